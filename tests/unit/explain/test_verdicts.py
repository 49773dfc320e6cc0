"""How a verdict reads."""

from __future__ import annotations

import json
from random import Random
from textwrap import dedent

from tests.support.reference import DYNAMODB, FUNCTION, reference_network
from tests.support.topologies import Features, random_topology

from casemate.explain import render_verdict, to_json
from casemate.reachability import Flow, FromInterface, reach, reach_name, resolve

TO_DYNAMODB = Flow(source=FromInterface(interface_id=FUNCTION), destination=DYNAMODB)


def test_a_reached_flow_reads_from_top_to_bottom() -> None:
    text = render_verdict(reach(reference_network(), TO_DYNAMODB))
    assert text == dedent("""\
        Network: REACHED
          ok    network interface  eni-orders          from 10.0.1.10
          ok    security group     sg-function         egress tcp 443 to pl-4ca54025
          ok    network ACL        acl-vpc-main        outbound rule 100: allow all traffic to 0.0.0.0/0
          ok    route table        rtb-private         pl-4ca54025 (35.71.102.0/24) -> vpce-ddb
          ok    gateway endpoint   vpce-ddb            pl-4ca54025 (35.71.102.0/24) -> vpce-ddb
          ok    AWS service        dynamodb.us-east-2  tcp 443 from 10.0.1.10
          and the answer:
          ok    network ACL  acl-vpc-main  inbound rule 100: allow all traffic from 0.0.0.0/0
          Seen as: 10.0.1.10, through vpce-ddb""")


def test_a_dropped_flow_ends_with_the_cause_and_the_change() -> None:
    network = reference_network({"vpc-main": {"tables": {"rtb-private": []}}})
    text = render_verdict(reach(network, TO_DYNAMODB))
    assert text == dedent("""\
        Network: DROPPED (silence: the client times out): NO_ROUTE_TO_DESTINATION
          ok    network interface  eni-orders    from 10.0.1.10
          ok    security group     sg-function   egress tcp 443 to pl-4ca54025
          ok    network ACL        acl-vpc-main  outbound rule 100: allow all traffic to 0.0.0.0/0
          STOP  route table        rtb-private   no route to 35.71.102.124
          Why: rtb-private, the route table of subnet-a, has no route to 35.71.102.124 (dynamodb in
               us-east-2).
          Change: Associate vpce-ddb with rtb-private.""")


def test_what_lost_is_shown_beneath_what_won() -> None:
    network = reference_network(
        {"vpc-main": {"tables": {"rtb-private": ["pl-4ca54025 -> vpce-ddb", "0.0.0.0/0 -> nat-main"]}}}
    )
    assert "not: 0.0.0.0/0 -> nat-main" in render_verdict(reach(network, TO_DYNAMODB))


def test_a_refusal_says_what_the_client_sees() -> None:
    network = reference_network({"vpc-main": {"groups": {"sg-function": ["out all 0.0.0.0/0"]}}})
    flow = Flow(source=FromInterface(interface_id=FUNCTION), destination=DYNAMODB, port=8000)
    text = render_verdict(reach(network, flow))
    assert text.startswith("Network: REFUSED (the client sees: connection refused): CM_PORT_CLOSED\n")


def test_any_verdict_fits_the_page_and_names_every_hop() -> None:
    features = Features(peering=True, inbound=True, public_targets=True)
    for seed in range(20):
        topology = random_topology(Random(seed), flows=20, features=features)
        for flow in topology.flows:
            verdict = reach(topology.snapshot, flow)
            text = render_verdict(verdict)
            assert all(len(line) <= 100 for line in text.splitlines()), text
            assert all(hop.component.split(",")[0] in text for hop in verdict.hops)
            assert text.count("STOP") == sum(not hop.passed for hop in verdict.hops)
            assert "\x1b" not in text
            assert json.loads(json.dumps(to_json(verdict)))["outcome"] == verdict.outcome.value


def test_json_has_plain_values() -> None:
    data = to_json(reach(reference_network(), TO_DYNAMODB))
    assert data["source_seen"] == "10.0.1.10"
    assert data["reason"] is None
    hop = data["hops"][1]
    assert hop.pop("rule")["peer"] == {"prefix_list_id": "pl-4ca54025"}
    assert hop == {
        "kind": "security group",
        "component": "sg-function",
        "passed": True,
        "matched": "egress tcp 443 to pl-4ca54025",
        "lost": [],
        "returning": False,
    }


def test_json_of_a_name() -> None:
    answer = resolve(reference_network(), "vpc-main", "dynamodb.us-east-2.amazonaws.com")
    assert to_json(answer)["addresses"] == [str(DYNAMODB)]
    json.dumps(to_json(answer))


def test_a_named_destination_begins_with_the_name() -> None:
    verdict = reach_name(
        reference_network(), FromInterface(interface_id=FUNCTION), "dynamodb.us-east-2.amazonaws.com"
    )
    first = render_verdict(verdict).splitlines()[1]
    assert first.split()[:3] == ["ok", "name", "dynamodb.us-east-2.amazonaws.com"]
