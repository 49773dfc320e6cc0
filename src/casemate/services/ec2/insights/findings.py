"""An analysis: the verdicts on a path's packets, read as AWS's findings.

Source of the codes: Reachability Analyzer guide, "Reachability Analyzer explanation codes"; of the members that go
with them: the same, and the EC2 API reference, "Explanation".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from casemate.model.network import NetworkAclEntry, Route
from casemate.reachability import reach
from casemate.reachability.verdict import Flow, Hop, HopKind, Outcome, ReasonCode, Verdict
from casemate.services.ec2.insights import rules
from casemate.services.ec2.insights.components import Components
from casemate.services.ec2.insights.ends import End, Ends, NoFlowError, Start
from casemate.services.ec2.insights.way import Header, Way, first_header, way_back

Rendered = list[dict[str, Any]]
_TOLD_BY = {
    HopKind.ROUTE_TABLE: "RouteTable",
    HopKind.NETWORK_ACL: "Acl",
    HopKind.NAT_GATEWAY: "NatGateway",
    HopKind.INTERNET_GATEWAY: "InternetGateway",
    HopKind.PEERING: "VpcPeeringConnection",
    HopKind.GATEWAY_ENDPOINT: "VpcEndpoint",
    HopKind.INTERFACE_ENDPOINT: "VpcEndpoint",
    HopKind.INTERFACE: "NetworkInterface",
}
"""The member of an Explanation that names the component of a hop."""


class Findings(Struct, frozen=True, kw_only=True):
    """What an analysis found."""

    found: bool
    forward: Rendered = field(default_factory=list[dict[str, Any]])
    back: Rendered = field(default_factory=list[dict[str, Any]])
    explanations: Rendered = field(default_factory=list[dict[str, Any]])
    warning: str = ""
    """Cause and remedy in words."""


def analyze(
    components: Components, ends: Ends, *, filter_in: Sequence[str], filter_out: Sequence[str]
) -> Findings:
    """The findings on a path. Of several starts the first that fails counts: a function runs behind any of them."""
    try:
        judged = [_best(components, ends, start, ends.end(start)) for start in ends.starts()]
    except NoFlowError as error:
        return Findings(found=False, explanations=[error.explanation], warning=error.words)
    answer = next((each for each in judged if not each.found), judged[0])
    return _filtered(answer, filter_in, filter_out) if answer.found else answer


def _best(components: Components, ends: Ends, start: Start, end: End) -> Findings:
    """Of the first packet that gets through; of the first of all when none does."""
    tried = (_findings(components, flow, start, end) for flow in ends.flows(start, end))
    first = next(tried)
    return first if first.found else next((each for each in tried if each.found), first)


def _findings(components: Components, flow: Flow, start: Start, end: End) -> Findings:
    verdict = reach(components.snapshot, flow)
    forward = [hop for hop in verdict.hops if not hop.returning]
    back = [hop for hop in verdict.hops if hop.returning]
    reached = _reached(forward, end)
    header = first_header(components, flow)
    if reached is None and verdict.outcome is not Outcome.DROPPED and end.at:
        return _elsewhere(components, forward, header, end)
    way = Way(components, header)
    shown = way.walk(forward[:reached] if reached is not None else forward)
    shown = _led(components, start, shown, header)
    answer_lost = any(not hop.passed for hop in back)
    found = verdict.outcome is not Outcome.DROPPED if reached is None else not answer_lost
    if found:
        return Findings(found=True, forward=shown, back=way_back(components, back))
    explanation = _explanation(components, verdict, way.header if not answer_lost else header)
    if shown and not answer_lost:
        shown[-1] = {**shown[-1], "Explanations": [explanation]}
    return Findings(
        found=False,
        forward=shown,
        back=way_back(components, back),
        explanations=[explanation],
        warning=" ".join(filter(None, (verdict.explanation, verdict.remedy))),
    )


def _reached(forward: Sequence[Hop], end: End) -> int | None:
    """How many hops lead to the component at which the path ends; None when the packet never passes it."""
    for number, hop in enumerate(forward, 1):
        if end.at and hop.component == end.at and hop.passed:
            return number
    return None


def _led(components: Components, start: Start, shown: Rendered, header: Header) -> Rendered:
    """With what comes before the first hop, or without what a path that begins in the middle leaves out."""
    if start.after:
        places = [number for number, each in enumerate(shown) if each["Component"]["Id"] == start.after]
        shown = shown[places[0] :] if places else shown
    lead = [{"Component": components.of(each), "OutboundHeader": header.rendered()} for each in start.lead]
    known = {each["Component"]["Id"] for each in shown}
    merged = [each for each in lead if each["Component"]["Id"] not in known] + shown
    return [{**each, "SequenceNumber": number} for number, each in enumerate(merged, 1)]


def _elsewhere(components: Components, forward: Sequence[Hop], header: Header, end: End) -> Findings:
    """The packet arrives, by another way than the one asked about: the routes do not lead there."""
    table = next((hop for hop in forward if hop.kind is HopKind.ROUTE_TABLE), None)
    explanation: dict[str, Any] = {
        "ExplanationCode": ReasonCode.NO_ROUTE_TO_DESTINATION.value,
        "Destination": components.of(end.at),
        "Direction": "egress",
    }
    words = f"No route leads to {end.at}."
    if table is not None:
        explanation |= {"RouteTable": components.of(table.component), **components.placed(table.component)}
        words = f"{table.component} does not lead to {end.at}: {header.destination} is reached by {table.matched}."
    return Findings(found=False, explanations=[explanation], warning=words)


def _explanation(components: Components, verdict: Verdict, header: Header) -> dict[str, Any]:
    stopped = next((hop for hop in verdict.hops if not hop.passed), verdict.hops[-1])
    code = verdict.reason.value if verdict.reason else "NO_PATH"
    made: dict[str, Any] = {"ExplanationCode": code}
    vpc = components.home(stopped.component.partition(",")[0])
    if vpc is not None:
        made["Vpc"] = components.of(vpc.vpc_id)
    if stopped.kind is HopKind.SECURITY_GROUP:
        return made | _groups(components, stopped, header)
    member = _TOLD_BY.get(stopped.kind)
    if member is not None:
        made[member] = components.of(stopped.component)
    if isinstance(stopped.rule, NetworkAclEntry):
        made["AclRule"] = rules.acl_rule(stopped.rule)
    if isinstance(stopped.rule, Route):
        made["RouteTableRoute"] = rules.route(stopped.rule)
    if stopped.kind is HopKind.NETWORK_ACL:
        made |= _border(components, stopped, header)
    if stopped.kind is HopKind.ROUTE_TABLE:
        made["Direction"] = "egress"
        made["Address"] = header.source if stopped.returning else header.destination
    if verdict.reason is ReasonCode.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS and vpc is not None:
        sender = components.holder(header.source, vpc)
        if sender is not None:
            made["NetworkInterface"] = components.of(sender.interface_id)
    return made


def _groups(components: Components, stopped: Hop, header: Header) -> dict[str, Any]:
    """Which interface's groups do not let it pass."""
    groups = [each for each in stopped.component.split(", ") if each]
    egress = stopped.matched.startswith("no egress")
    made: dict[str, Any] = {
        "Direction": "egress" if egress else "ingress",
        "SecurityGroups": [components.of(each) for each in groups],
        "Port": header.port,
        "Protocols": [str(header.protocol)],
    }
    vpc = components.home(groups[0]) if groups else None
    interface = components.holder(header.source if egress else header.destination, vpc)
    if interface is not None:
        made["NetworkInterface"] = components.of(interface.interface_id)
        made |= components.placed(interface.interface_id)
    return made


def _border(components: Components, stopped: Hop, header: Header) -> dict[str, Any]:
    """Which way, and of which subnet: of a request's sender or receiver, of an answer's receiver or sender."""
    egress = "outbound" in stopped.matched
    made: dict[str, Any] = {"Direction": "egress" if egress else "ingress"}
    inside = header.source if egress != stopped.returning else header.destination
    vpc = components.home(stopped.component)
    subnet = components.subnet_holding(vpc, inside) if vpc else None
    if subnet is not None:
        made["Subnet"] = components.of(subnet.subnet_id)
    return made


def _filtered(findings: Findings, filter_in: Sequence[str], filter_out: Sequence[str]) -> Findings:
    """A path counts when it passes every resource of `filter_in` and none of `filter_out`."""
    met = {each["Component"].get("Arn") for each in findings.forward}
    missing = [arn for arn in filter_in if arn not in met]
    avoided = [arn for arn in filter_out if arn in met]
    if not missing and not avoided:
        return findings
    words = "; ".join(
        [f"the path does not pass {arn}" for arn in missing] + [f"the path passes {arn}" for arn in avoided]
    )
    return Findings(found=False, explanations=[{"ExplanationCode": "NO_PATH"}], warning=f"{words}.")
