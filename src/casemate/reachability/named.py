"""`reach_name`: what a client does. It resolves a name where it is, then connects to the first address.

A client that has an IPv6 address tries a name's IPv6 address first (RFC 6724), and the IPv4 one when that fails.
"""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.network import TCP, Address, EndpointKind, NetworkSnapshot, VpcSnapshot
from casemate.reachability.names import Answer, NameStatus, resolve
from casemate.reachability.service_names import UnknownRegionError, parse_service_name
from casemate.reachability.verdict import (
    Flow,
    FromInterface,
    Hop,
    HopKind,
    Outcome,
    ReasonCode,
    Source,
    Verdict,
)
from casemate.reachability.walk import reach


def reach_name(
    snapshot: NetworkSnapshot, source: Source, name: str, *, protocol: int = TCP, port: int = 443
) -> Verdict:
    """`reach` for a host name: its hops begin with the name."""
    vpc = _home(snapshot, source)
    answer = resolve(snapshot, vpc.vpc_id if vpc else None, name)
    found = answer.status is NameStatus.NOERROR
    both: tuple[Address, ...] = (*answer.addresses, *answer.ipv6)
    addresses = ", ".join(str(address) for address in both)
    hop = Hop(
        kind=HopKind.NAME,
        component=answer.name,
        passed=found,
        matched=f"{addresses}: {answer.why}" if found else f"{answer.status.value}: {answer.why}",
    )
    if not found:
        return Verdict(
            outcome=Outcome.DROPPED,
            hops=(hop,),
            reason=ReasonCode.CM_NAME_NOT_RESOLVED,
            explanation=f"{answer.name} does not resolve ({answer.status.value}): {answer.why}",
            remedy=_remedy(vpc, answer),
        )
    tried: tuple[Address, ...] = answer.addresses[:1]
    if answer.ipv6 and _has_ipv6(vpc, source):
        tried = (answer.ipv6[0], *tried)
    verdicts = [
        reach(snapshot, Flow(source=source, destination=address, protocol=protocol, port=port))
        for address in tried
    ]
    verdict = next((each for each in verdicts if each.outcome is Outcome.REACHED), verdicts[-1])
    explanation = verdict.explanation
    if verdict.outcome is not Outcome.REACHED:
        explanation += _unused_interface_endpoint(vpc, answer)
    return replace(verdict, hops=(hop, *verdict.hops), explanation=explanation)


def _home(snapshot: NetworkSnapshot, source: Source) -> VpcSnapshot | None:
    if not isinstance(source, FromInterface):
        return None
    return next((vpc for vpc in snapshot.vpcs.values() if source.interface_id in vpc.interfaces), None)


def _has_ipv6(vpc: VpcSnapshot | None, source: Source) -> bool:
    if not isinstance(source, FromInterface):
        return source.address.version == 6
    return vpc is not None and bool(vpc.interfaces[source.interface_id].ipv6)


def _remedy(vpc: VpcSnapshot | None, answer: Answer) -> str:
    if answer.status is NameStatus.NXDOMAIN or vpc is None:
        return "Use a name that exists."
    off = [
        attribute
        for attribute, on in (
            ("enableDnsSupport", vpc.dns_support),
            ("enableDnsHostnames", vpc.dns_hostnames),
        )
        if not on
    ]
    return f"Set {' and '.join(off)} of {vpc.vpc_id} to true."


def _unused_interface_endpoint(vpc: VpcSnapshot | None, answer: Answer) -> str:
    """Why an interface endpoint that exists was not used: only its own names, or private DNS, lead to it."""
    try:
        service = parse_service_name(answer.name)
    except UnknownRegionError:
        service = None
    if vpc is None or service is None or answer.private_dns_endpoint is not None:
        return ""
    for endpoint_id in sorted(vpc.endpoints):
        endpoint = vpc.endpoints[endpoint_id]
        if (
            endpoint.kind is EndpointKind.INTERFACE
            and (endpoint.service, endpoint.service_region) == (service.service, service.region)
            and endpoint.dns_names
        ):
            return (
                f" The interface endpoint {endpoint_id} is reached by its own name, {endpoint.dns_names[0]}, "
                f"and not by {answer.name}."
            )
    return ""
