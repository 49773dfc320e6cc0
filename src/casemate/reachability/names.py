"""Names: what the Amazon resolver of a VPC, or public DNS, answers.

Gateway endpoints and DNS (statement N15). The AWS PrivateLink Guide says, under "Gateway endpoints": to use the Amazon
DNS servers, both DNS hostnames and DNS resolution must be enabled for the VPC. It does not say what happens otherwise.
Modelled: with enableDnsSupport off the resolver answers nothing at all; with enableDnsHostnames off it does not answer
the names of a service that the VPC has a gateway endpoint for, so that a template that breaks the documented rule fails
here and says why. Names of other services resolve with enableDnsSupport alone.
"""

from __future__ import annotations

import re
from enum import Enum
from hashlib import sha256
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.network import EndpointKind, NetworkSnapshot, VpcEndpoint, VpcSnapshot
from casemate.model.regions import service_address, service_address_6
from casemate.reachability.service_names import (
    ServiceName,
    UnknownRegionError,
    parse_service_name,
    private_label,
)


class NameStatus(Enum):
    """How DNS answers."""

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    NO_ANSWER = "no answer"
    """Silence: the client's resolver gives up after its own timeout."""


class Answer(Struct, frozen=True, kw_only=True):
    """The answer to a query for addresses."""

    name: str
    """As asked, in lower case and without the closing dot."""
    status: NameStatus
    addresses: tuple[IPv4Address, ...] = ()
    """A records."""
    ipv6: tuple[IPv6Address, ...] = ()
    """AAAA records: of the dual-stack names of services alone."""
    why: str = ""
    """One sentence: where the addresses come from, or why there are none."""
    private_dns_endpoint: str | None = None
    """The interface endpoint whose private DNS answered instead of public DNS."""
    stand_in: bool = False
    """The name is none of AWS's: its address stands in for a host of the internet."""


_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_PRIVATE_HOST = re.compile(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:ec2|([a-z0-9-]+)\.compute)\.internal\Z")
_RESOURCE_HOST = re.compile(r"(i-[0-9a-f]+)\.(?:ec2|([a-z0-9-]+)\.compute)\.internal\Z")
_PUBLIC_HOST = re.compile(
    r"ec2-(\d+)-(\d+)-(\d+)-(\d+)\.(?:compute-1|([a-z0-9-]+)\.compute)\.amazonaws\.com\Z"
)
_STAND_INS = (IPv4Address("203.0.113.0"), IPv4Address("198.51.100.0"))
_IPV4_ONLY = frozenset({"dynamodb", "streams.dynamodb"})
"""Services whose dual-stack names have no IPv6 address: ip-ranges.json (2026-08-22) has no IPv6 range of DYNAMODB."""
_NOWHERE = (".invalid", ".local", ".internal", ".localhost", ".test", ".onion", ".arpa")
"""RFC 6761 and 6762: never in public DNS. `.arpa` holds no addresses."""


def resolve(snapshot: NetworkSnapshot, vpc_id: str | None, name: str) -> Answer:
    """The addresses of `name`, asked inside a VPC or (None) on the internet. Total."""
    name = name.lower().rstrip(".")
    vpc = snapshot.vpcs.get(vpc_id) if vpc_id is not None else None
    if vpc_id is not None and vpc is None:
        return _silence(name, f"{vpc_id} does not exist.")
    if vpc is not None and not vpc.dns_support:
        return _silence(name, f"The resolver of {vpc.vpc_id} is off: enableDnsSupport is false.")
    if not _NAME.match(name):
        return _nowhere(name, f"{name!r} is not a host name.")
    return (
        _host_name(snapshot, vpc, name)
        or _endpoint_name(snapshot, name)
        or _service(vpc, name)
        or _elsewhere(name)
    )


def _found(name: str, why: str, *addresses: IPv4Address, private_dns_endpoint: str | None = None) -> Answer:
    return Answer(
        name=name,
        status=NameStatus.NOERROR,
        addresses=addresses,
        why=why,
        private_dns_endpoint=private_dns_endpoint,
    )


def _nowhere(name: str, why: str) -> Answer:
    return Answer(name=name, status=NameStatus.NXDOMAIN, why=why)


def _silence(name: str, why: str) -> Answer:
    return Answer(name=name, status=NameStatus.NO_ANSWER, why=why)


def _host_name(snapshot: NetworkSnapshot, vpc: VpcSnapshot | None, name: str) -> Answer | None:
    """Names of instances: VPC User Guide, "DNS attributes for your VPC"."""
    if match := _PRIVATE_HOST.match(name):
        address = _address(match)
        if vpc is None or address is None or not any(address in cidr for cidr in vpc.cidrs):
            return _nowhere(name, f"{name} names no address of {vpc.vpc_id if vpc else 'public DNS'}.")
        if (match[5] or "us-east-1") != vpc.region:
            return _nowhere(name, f"{name} names another Region than {vpc.region}.")
        return _found(name, f"A private host name of {vpc.vpc_id}.", address)
    if match := _RESOURCE_HOST.match(name):
        for interface in sorted(vpc.interfaces.values(), key=lambda i: i.interface_id) if vpc else ():
            if interface.owner == match[1]:
                return _found(name, f"The primary private address of {match[1]}.", interface.address)
        return _nowhere(name, f"{match[1]} has no interface here.")
    if match := _PUBLIC_HOST.match(name):
        address = _address(match)
        if address is None:
            return _nowhere(name, f"{name} names no address.")
        inside = _holder(vpc, address) if vpc and vpc.dns_hostnames else None
        if inside is not None:
            return _found(
                name,
                f"A public host name, answered inside the VPC with the private address of {address}.",
                inside,
            )
        beyond = _beyond_peering(snapshot, vpc, address) if vpc else None
        if beyond is not None:
            return _found(name, f"A public host name, answered privately over {beyond[0]}.", beyond[1])
        return _found(name, "A public host name.", address)
    return None


def _address(match: re.Match[str]) -> IPv4Address | None:
    try:
        return IPv4Address(".".join(match.group(1, 2, 3, 4)))
    except AddressValueError:
        return None


def _holder(vpc: VpcSnapshot, public: IPv4Address) -> IPv4Address | None:
    return next((i.address for i in vpc.interfaces.values() if i.public == public), None)


def _beyond_peering(
    snapshot: NetworkSnapshot, vpc: VpcSnapshot, public: IPv4Address
) -> tuple[str, IPv4Address] | None:
    """The peering connection and the private address, where the peer VPC allows its names to be resolved so.

    VPC Peering Guide, "Enable DNS resolution for a VPC peering connection": the option of the VPC that has the host,
    an active connection, and both DNS attributes of both VPCs.
    """
    for peering_id in sorted(snapshot.peerings):
        peering = snapshot.peerings[peering_id]
        allowed = {peering.requester_vpc: peering.requester_dns, peering.accepter_vpc: peering.accepter_dns}
        if not peering.active or vpc.vpc_id not in allowed:
            continue
        for other_id in allowed.keys() - {vpc.vpc_id}:
            other = snapshot.vpcs.get(other_id)
            resolves = other and all((other.dns_support, other.dns_hostnames, vpc.dns_hostnames))
            held = _holder(other, public) if other and resolves and allowed[other_id] else None
            if held is not None:
                return peering_id, held
    return None


def _endpoint_name(snapshot: NetworkSnapshot, name: str) -> Answer | None:
    """Names of interface endpoints. They are in public DNS, and give private addresses everywhere."""
    if not name.endswith(".vpce.amazonaws.com"):
        return None
    own = (
        name[name.find("vpce-") :] if ".vpce-" in name else name
    )  # S3: `bucket.vpce-...`, `accesspoint.vpce-...`
    for vpc_id in sorted(snapshot.vpcs):
        vpc = snapshot.vpcs[vpc_id]
        for endpoint_id in sorted(vpc.endpoints):
            endpoint = vpc.endpoints[endpoint_id]
            if own in (known.lower() for known in endpoint.dns_names):
                addresses = _interface_addresses(vpc, endpoint, own)
                if addresses:
                    return _found(name, f"A name of {endpoint_id} in {vpc_id}.", *addresses)
    return _nowhere(name, f"No VPC endpoint has the name {own}.")


def _interface_addresses(vpc: VpcSnapshot, endpoint: VpcEndpoint, name: str = "") -> tuple[IPv4Address, ...]:
    """Addresses of an endpoint; a zonal name gives the one of its zone."""
    if not endpoint.available:
        return ()
    first = name.partition(".")[0]
    found: list[IPv4Address] = []
    for interface_id in endpoint.interface_ids:
        interface = vpc.interfaces.get(interface_id)
        subnet = vpc.subnets.get(interface.subnet_id) if interface else None
        if interface is None:
            continue
        if (
            name
            and name != endpoint.dns_names[0].lower()
            and (subnet is None or not first.endswith("-" + subnet.zone))
        ):
            continue
        found.append(interface.address)
    return tuple(found)


def _service(vpc: VpcSnapshot | None, name: str) -> Answer | None:
    try:
        service = parse_service_name(name)
    except UnknownRegionError as error:
        return _nowhere(name, f"There is no Region {error}.")
    if service is None:
        return None
    if vpc is not None:
        answer = _private_dns(vpc, name, service) or _gateway_rule(vpc, name, service)
        if answer is not None:
            return answer
    where = service.region or "every Region"
    found = _found(
        name,
        f"The public address of {service.service} in {where}.",
        service_address(service.service, service.region),
    )
    if not service.dual_stack or service.service in _IPV4_ONLY:
        return found
    return replace(found, ipv6=(service_address_6(service.service, service.region),))


def _private_dns(vpc: VpcSnapshot, name: str, service: ServiceName) -> Answer | None:
    """Private DNS of an interface endpoint: PrivateLink Guide: needs both DNS attributes of the VPC."""
    if not (vpc.dns_hostnames and service.standard):
        return None
    for endpoint_id in sorted(vpc.endpoints):
        endpoint = vpc.endpoints[endpoint_id]
        if (
            endpoint.kind is EndpointKind.INTERFACE
            and endpoint.private_dns
            and endpoint.service_region == service.region
            and private_label(endpoint.service) == service.label
        ):
            addresses = _interface_addresses(vpc, endpoint)
            if addresses:
                why = f"Private DNS of {endpoint_id}."
                return _found(name, why, *addresses, private_dns_endpoint=endpoint_id)
    return None


def _gateway_rule(vpc: VpcSnapshot, name: str, service: ServiceName) -> Answer | None:
    """The documented need of gateway endpoints for enableDnsHostnames; see the module's docstring."""
    if vpc.dns_hostnames:
        return None
    for endpoint_id in sorted(vpc.endpoints):
        endpoint = vpc.endpoints[endpoint_id]
        if endpoint.kind is EndpointKind.GATEWAY and (endpoint.service, endpoint.service_region) == (
            service.service,
            service.region,
        ):
            return _silence(
                name,
                f"{vpc.vpc_id} has the gateway endpoint {endpoint_id} and enableDnsHostnames off: with the Amazon "
                "resolver, gateway endpoints need enableDnsSupport and enableDnsHostnames.",
            )
    return None


def _elsewhere(name: str) -> Answer:
    """The rest of the internet: a stable stand-in of the documentation ranges (RFC 5737) for every name."""
    if name.endswith(_NOWHERE) or "." not in name:
        return _nowhere(name, f"{name} is not in public DNS.")
    digest = sha256(name.encode()).digest()
    network = _STAND_INS[digest[0] & 1]
    found = _found(name, "A stand-in for a host of the internet.", network + 1 + digest[1] % 250)
    return replace(found, stand_in=True)
