"""Network ACLs and their entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.acl_projection import CLOSING, closing_entries
from casemate.services.ec2.cidrs import ipv4_network, ipv6_network
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.permissions import is_protocol_number
from casemate.services.ec2.records import AclEntry, NetworkAcl, SubnetAclAssociation
from casemate.services.ec2.registry import Ctx, on, operation, remember, replayed, required
from casemate.services.ec2.state import Ec2State

_ACL = (on("network-acl", "NetworkAclId"),)
_NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58", "all": "-1"}

ACL_FILTERS = {
    "association.association-id": "Associations.NetworkAclAssociationId",
    "association.network-acl-id": "Associations.NetworkAclId",
    "association.subnet-id": "Associations.SubnetId",
    "default": "IsDefault",
    "entry.cidr": "Entries.CidrBlock",
    "entry.egress": "Entries.Egress",
    "entry.icmp.code": "Entries.IcmpTypeCode.Code",
    "entry.icmp.type": "Entries.IcmpTypeCode.Type",
    "entry.ipv6-cidr": "Entries.Ipv6CidrBlock",
    "entry.port-range.from": "Entries.PortRange.From",
    "entry.port-range.to": "Entries.PortRange.To",
    "entry.protocol": "Entries.Protocol",
    "entry.rule-action": "Entries.RuleAction",
    "entry.rule-number": "Entries.RuleNumber",
    "network-acl-id": "NetworkAclId",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
}


def _entry_output(entry: AclEntry) -> Rendered:
    ports: Rendered | None = None
    if entry.from_port is not None and entry.to_port is not None:
        ports = {"From": entry.from_port, "To": entry.to_port}
    icmp = {"Type": entry.icmp_type, "Code": entry.icmp_code} if entry.icmp_type is not None else None
    return {
        "RuleNumber": entry.number,
        "Egress": entry.egress,
        "RuleAction": "allow" if entry.allow else "deny",
        "Protocol": entry.protocol,
        "CidrBlock": entry.cidr or None,
        "Ipv6CidrBlock": entry.cidr6 or None,
        "PortRange": ports,
        "IcmpTypeCode": icmp,
    }


def acl_output(state: Ec2State, acl: NetworkAcl) -> Rendered:
    """As DescribeNetworkAcls shows it: egress entries first, closing denies last."""
    entries = sorted((*acl.entries, *closing_entries(acl)), key=lambda each: (not each.egress, each.number))
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc_id,
        "OwnerId": acl.account,
        "IsDefault": acl.is_default,
        "Entries": [_entry_output(each) for each in entries],
        "Associations": [
            {
                "NetworkAclAssociationId": each.association_id,
                "NetworkAclId": acl.id,
                "SubnetId": each.subnet_id,
            }
            for each in acl.associations
        ],
        "Tags": tags.rendered(state, acl, acl.id),
    }


@operation("CreateNetworkAcl", on=(on("vpc", "VpcId"),), creates=("network-acl",))
def create_network_acl(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    known = state.acls.find(ctx, replayed(ctx, "CreateNetworkAcl", params) or "")
    if known is None:
        if len(state.acls_in(vpc)) >= state.quotas.acls:
            raise errors.limit("NetworkAclLimitExceeded", "network ACLs")
        labels = tags.specified(params, "network-acl")
        known = state.acls.put(
            NetworkAcl(id=ctx.new_id("acl"), account=ctx.account, region=ctx.region, vpc_id=vpc.id)
        )
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "CreateNetworkAcl", params, known.id)
    return {"NetworkAcl": acl_output(state, known), "ClientToken": params.get("ClientToken")}


@operation("DescribeNetworkAcls")
def describe_network_acls(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.acls,
        ctx,
        params,
        member="NetworkAcls",
        ids="NetworkAclIds",
        render=lambda acl: acl_output(ctx.state, acl),
        paths=ACL_FILTERS,
    )


@operation("DeleteNetworkAcl", on=_ACL)
def delete_network_acl(ctx: Ctx, params: Params) -> Output:
    acl = ctx.state.acls.get(ctx, required(params, "NetworkAclId"))
    if acl.is_default:
        raise errors.invalid_value(f"cannot delete default network ACL {acl.id}")
    if acl.associations:
        raise errors.NETWORK_ACL.in_use(acl.id)
    ctx.state.discard(ctx.state.acls, acl)
    return {}


def _number(params: Params) -> int:
    value = params.get("RuleNumber")
    if value is None:
        raise errors.missing_parameter("ruleNumber")
    # API reference: "Constraints: Positive integer from 1 to 32766."
    if not 1 <= value < CLOSING:
        raise errors.bad_value(value, "ruleNumber", "The rule number must be between 1 and 32766.")
    return int(value)


def _protocol(params: Params) -> str:
    given = required(params, "Protocol").lower()
    protocol = _NUMBERS.get(given, given)
    if protocol != "-1" and not is_protocol_number(protocol):
        raise errors.invalid_value(f"Invalid value '{given}' for IP protocol. Unknown protocol.")
    return protocol


def _entry(params: Params) -> AclEntry:
    protocol, action = _protocol(params), required(params, "RuleAction")
    if action not in {"allow", "deny"}:
        raise errors.bad_value(action, "ruleAction", "Accepted values are allow and deny.")
    if params.get("Egress") is None:
        raise errors.missing_parameter("egress")
    cidr, cidr6 = params.get("CidrBlock"), params.get("Ipv6CidrBlock")
    if bool(cidr) == bool(cidr6):
        raise (
            errors.missing_parameter("cidrBlock")
            if not cidr
            else errors.combination("Only one of cidrBlock and ipv6CidrBlock can be given")
        )
    return AclEntry(
        number=_number(params),
        egress=bool(params["Egress"]),
        allow=action == "allow",
        protocol=protocol,
        cidr=str(ipv4_network(cidr)) if cidr else "",
        cidr6=str(ipv6_network(cidr6)) if cidr6 else "",
        **_span(protocol, params),
    )


def _span(protocol: str, params: Mapping[str, Any]) -> dict[str, int]:
    if protocol in {"6", "17"}:
        ports = params.get("PortRange")
        if not ports:
            raise errors.missing_parameter("portRange")
        first, last = ports.get("From"), ports.get("To")
        if first is None or last is None or not 0 <= first <= last <= 65535:
            raise errors.invalid_value(f"Invalid TCP/UDP port range ({first}:{last})")
        return {"from_port": first, "to_port": last}
    if protocol in {"1", "58"}:
        icmp = params.get("IcmpTypeCode")
        if not icmp:
            raise errors.missing_parameter("icmpTypeCode.type")
        return {"icmp_type": icmp.get("Type", -1), "icmp_code": icmp.get("Code", -1)}
    return {}


def _at(acl: NetworkAcl, *, number: int, egress: bool) -> AclEntry | None:
    return next((each for each in acl.entries if (each.number, each.egress) == (number, egress)), None)


@operation("CreateNetworkAclEntry", on=_ACL)
def create_network_acl_entry(ctx: Ctx, params: Params) -> Output:
    acl = ctx.state.acls.get(ctx, required(params, "NetworkAclId"))
    entry = _entry(params)
    if _at(acl, number=entry.number, egress=entry.egress) is not None:
        raise errors.acl_entry_exists(entry.number)
    if sum(each.egress == entry.egress for each in acl.entries) >= ctx.state.quotas.acl_entries:
        raise errors.limit("NetworkAclEntryLimitExceeded", "network ACL entries")
    ctx.state.acls.put(replace(acl, entries=(*acl.entries, entry)))
    return {}


@operation("ReplaceNetworkAclEntry", on=_ACL)
def replace_network_acl_entry(ctx: Ctx, params: Params) -> Output:
    acl = ctx.state.acls.get(ctx, required(params, "NetworkAclId"))
    entry = _entry(params)
    old = _at(acl, number=entry.number, egress=entry.egress)
    if old is None:
        raise errors.acl_entry_missing(entry.number)
    ctx.state.acls.put(replace(acl, entries=tuple(entry if each == old else each for each in acl.entries)))
    return {}


@operation("DeleteNetworkAclEntry", on=_ACL)
def delete_network_acl_entry(ctx: Ctx, params: Params) -> Output:
    acl = ctx.state.acls.get(ctx, required(params, "NetworkAclId"))
    number = _number(params)
    if params.get("Egress") is None:
        raise errors.missing_parameter("egress")
    old = _at(acl, number=number, egress=bool(params["Egress"]))
    if old is None:
        raise errors.acl_entry_missing(number)
    ctx.state.acls.put(replace(acl, entries=tuple(each for each in acl.entries if each != old)))
    return {}


@operation("ReplaceNetworkAclAssociation", on=_ACL)
def replace_network_acl_association(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    target = state.acls.get(ctx, required(params, "NetworkAclId"))
    association_id = required(params, "AssociationId")
    for source in state.acls.all(ctx):
        link = next((each for each in source.associations if each.association_id == association_id), None)
        if link is None:
            continue
        if source.vpc_id != target.vpc_id:
            raise errors.other_network("network ACL", target.id, "subnet", link.subnet_id)
        made = SubnetAclAssociation(
            association_id=resource_id("aclassoc", ctx.random_bytes), subnet_id=link.subnet_id
        )
        left = tuple(each for each in source.associations if each != link)
        changed = state.acls.put(replace(source, associations=left))
        current = changed if source.id == target.id else target
        state.acls.put(replace(current, associations=(*current.associations, made)))
        return {"NewAssociationId": made.association_id}
    raise errors.association_missing(association_id)
