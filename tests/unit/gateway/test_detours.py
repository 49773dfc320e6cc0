"""Remedies are networks one change away: that change, and nothing else."""

from __future__ import annotations

from msgspec.structs import replace
from tests.support.vpc_builder import DYNAMODB_ADDRESS, VpcBuilder, network, rule

from casemate.gateway.detours import detours
from casemate.model.network import NetworkSnapshot
from casemate.reachability import reach
from casemate.reachability.verdict import Flow, FromInterface, Outcome, Verdict


def vpc() -> VpcBuilder:
    builder = VpcBuilder("vpc-a").table("rtb-with").table("rtb-without")
    builder.group("sg-open", rule("out", "0.0.0.0/0"))
    builder.subnet("subnet-with", "10.0.1.0/24", "rtb-with")
    builder.subnet("subnet-without", "10.0.2.0/24", "rtb-without")
    builder.function("eni-with", "subnet-with", "10.0.1.4", "sg-open")
    return builder.function("eni-without", "subnet-without", "10.0.2.4", "sg-open")


def changes(snapshot: NetworkSnapshot, interface_id: str, region: str = "us-east-2") -> list[str]:
    found = detours(snapshot, interface_id, service="dynamodb", service_region=region)
    return [one.change for one in found]


def verdict(snapshot: NetworkSnapshot, interface_id: str) -> Verdict:
    source = FromInterface(interface_id=interface_id)
    return reach(snapshot, Flow(source=source, destination=DYNAMODB_ADDRESS, protocol=6, port=443))


def test_after_the_change_the_packet_takes_the_endpoint() -> None:
    before = network(vpc().gateway_endpoint("vpce-a", "rtb-with"))
    assert verdict(before, "eni-without").outcome is Outcome.DROPPED
    (detour,) = detours(before, "eni-without", service="dynamodb", service_region="us-east-2")
    assert detour.change == "Associate vpce-a with rtb-without."
    after = verdict(detour.snapshot, "eni-without")
    assert (after.outcome, after.via_endpoint) == (Outcome.REACHED, "vpce-a")
    # The network that serves is as it was.
    assert verdict(before, "eni-without").outcome is Outcome.DROPPED


def test_the_rest_of_the_network_is_the_same_object() -> None:
    other = VpcBuilder("vpc-b", "10.1.0.0/16").table("rtb-b").build()
    before = network(vpc().gateway_endpoint("vpce-a", "rtb-with"), other)
    (detour,) = detours(before, "eni-without", service="dynamodb", service_region="us-east-2")
    assert detour.snapshot.vpcs["vpc-b"] is other
    assert replace(detour.snapshot, vpcs=before.vpcs) == before


def test_every_endpoint_at_hand_is_offered_in_order() -> None:
    before = network(vpc().gateway_endpoint("vpce-b", "rtb-with").gateway_endpoint("vpce-a"))
    assert changes(before, "eni-without") == [
        "Associate vpce-a with rtb-without.",
        "Associate vpce-b with rtb-without.",
    ]


def test_a_table_that_has_an_endpoint_of_the_service_takes_no_second_one() -> None:
    before = network(vpc().gateway_endpoint("vpce-a", "rtb-with").gateway_endpoint("vpce-b"))
    assert changes(before, "eni-with") == []


def test_no_endpoint_serves_another_region_and_nobody_elses_is_offered() -> None:
    before = network(vpc().gateway_endpoint("vpce-a"))
    assert changes(before, "eni-without", region="us-east-1") == []
    assert changes(network(vpc()), "eni-without") == []
    assert changes(before, "eni-of-nobody") == []
