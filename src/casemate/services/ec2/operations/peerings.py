"""VPC peering connections, within an account or between accounts and Regions of this Casemate."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import Home, Peering, Vpc
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.state import Ec2State

_PEERING = (on("vpc-peering-connection", "VpcPeeringConnectionId"),)
_LIFETIME = timedelta(days=7)
"""A request not accepted in time expires. Source: VPC Peering Guide, "VPC peering connection lifecycle"."""
_OVER = {"rejected", "deleted", "expired", "failed"}
_SHOWN_AFTER = timedelta(hours=2)

PEERING_FILTERS = {
    "accepter-vpc-info.cidr-block": "AccepterVpcInfo.CidrBlock",
    "accepter-vpc-info.owner-id": "AccepterVpcInfo.OwnerId",
    "accepter-vpc-info.vpc-id": "AccepterVpcInfo.VpcId",
    "expiration-time": "ExpirationTime",
    "requester-vpc-info.cidr-block": "RequesterVpcInfo.CidrBlock",
    "requester-vpc-info.owner-id": "RequesterVpcInfo.OwnerId",
    "requester-vpc-info.vpc-id": "RequesterVpcInfo.VpcId",
    "status-code": "Status.Code",
    "status-message": "Status.Message",
    "vpc-peering-connection-id": "VpcPeeringConnectionId",
}
_MESSAGES = {"active": "Active", "rejected": "Inactive", "expired": "Expired"}


def _vpc(state: Ec2State, vpc_id: str) -> Vpc | None:
    return next((each for each in state.vpcs.everywhere() if each.id == vpc_id), None)


def _side(vpc: Vpc | None, *, account: str, region: str, vpc_id: str, dns: bool) -> Rendered:
    shown: Rendered = {"OwnerId": account, "VpcId": vpc_id, "Region": region}
    if vpc is not None:
        shown["CidrBlock"] = vpc.cidr
        shown["CidrBlockSet"] = [{"CidrBlock": cidr} for cidr in vpc.cidrs]
        shown["Ipv6CidrBlockSet"] = [{"Ipv6CidrBlock": each.cidr} for each in vpc.ipv6]
    shown["PeeringOptions"] = {
        "AllowDnsResolutionFromRemoteVpc": dns,
        "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
        "AllowEgressFromLocalVpcToRemoteClassicLink": False,
    }
    return shown


def peering_output(ctx: Ctx, peering: Peering) -> Rendered:
    """As DescribeVpcPeeringConnections shows it."""
    state, waiting = ctx.state, peering.status == "pending-acceptance"
    message = (
        peering.message
        or _MESSAGES.get(peering.status)
        or (f"Pending Acceptance by {peering.accepter_account}" if waiting else "")
    )
    return {
        "VpcPeeringConnectionId": peering.id,
        "Status": {"Code": peering.status, "Message": message},
        "ExpirationTime": peering.created + _LIFETIME if waiting else None,
        "RequesterVpcInfo": _side(
            _vpc(state, peering.requester_vpc),
            account=peering.account,
            region=peering.region,
            vpc_id=peering.requester_vpc,
            dns=peering.requester_dns,
        ),
        "AccepterVpcInfo": _side(
            _vpc(state, peering.accepter_vpc),
            account=peering.accepter_account,
            region=peering.accepter_region,
            vpc_id=peering.accepter_vpc,
            dns=peering.accepter_dns,
        ),
        "Tags": tags.rendered(state, ctx, peering.id),
    }


def _visible(ctx: Ctx) -> list[Peering]:
    """Both sides see it, each in its own Region; for a while after its end too."""
    ours = (ctx.account, ctx.region)
    return [
        each
        for each in ctx.state.peerings.everywhere()
        if ours in {(each.account, each.region), (each.accepter_account, each.accepter_region)}
        and (each.ended is None or ctx.now - each.ended < _SHOWN_AFTER)
    ]


def _current(ctx: Ctx, params: Params) -> Peering:
    peering_id = required(params, "VpcPeeringConnectionId")
    for each in _visible(ctx):
        if each.id == peering_id:
            return each
    raise (
        errors.PEERING.missing(peering_id)
        if peering_id.startswith("pcx-")
        else errors.PEERING.malformed(peering_id)
    )


def _overlap(one: Vpc, other: Vpc) -> bool:
    return any(
        IPv4Network(first).overlaps(IPv4Network(second)) for first in one.cidrs for second in other.cidrs
    )


@operation("CreateVpcPeeringConnection", on=(on("vpc", "VpcId"),), creates=("vpc-peering-connection",))
def create_vpc_peering_connection(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    peer_id = required(params, "PeerVpcId")
    account, region = params.get("PeerOwnerId") or ctx.account, params.get("PeerRegion") or ctx.region
    labels = tags.specified(params, "vpc-peering-connection")
    peer = state.vpcs.find(Home(account=account, region=region), peer_id)
    if peer is None and account == ctx.account and region == ctx.region:
        raise errors.VPC.missing(peer_id)
    for each in state.peerings.everywhere():
        if {each.requester_vpc, each.accepter_vpc} == {vpc.id, peer_id} and each.status not in _OVER:
            raise errors.peering_exists(each.id)
    status, message = "pending-acceptance", ""
    if peer is None or peer.id == vpc.id or _overlap(vpc, peer):
        # AWS makes the connection and lets it fail. Source: VPC Peering Guide, "VPC peering limitations".
        status, message = "failed", "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
    made = state.peerings.put(
        Peering(
            id=ctx.new_id("pcx"),
            account=ctx.account,
            region=ctx.region,
            requester_vpc=vpc.id,
            accepter_account=account,
            accepter_region=region,
            accepter_vpc=peer_id,
            status=status,
            message=message,
            created=ctx.now,
            ended=ctx.now if status == "failed" else None,
        )
    )
    tags.put(state, ctx, made.id, labels)
    return {"VpcPeeringConnection": peering_output(ctx, made)}


def _finish(ctx: Ctx, params: Params, status: str) -> Peering:
    """The accepter's answer to a request."""
    peering = _current(ctx, params)
    if (peering.accepter_account, peering.accepter_region) != (ctx.account, ctx.region):
        raise errors.peering_not_yours(peering.id, ctx.account)
    if peering.status != "pending-acceptance":
        raise errors.peering_state(peering.id, peering.status)
    if ctx.now - peering.created > _LIFETIME:
        raise errors.peering_state(peering.id, "expired")
    return ctx.state.peerings.put(
        replace(peering, status=status, ended=None if status == "active" else ctx.now)
    )


@operation("AcceptVpcPeeringConnection", on=_PEERING)
def accept_vpc_peering_connection(ctx: Ctx, params: Params) -> Output:
    return {"VpcPeeringConnection": peering_output(ctx, _finish(ctx, params, "active"))}


@operation("RejectVpcPeeringConnection", on=_PEERING)
def reject_vpc_peering_connection(ctx: Ctx, params: Params) -> Output:
    _finish(ctx, params, "rejected")
    return {"Return": True}


@operation("DeleteVpcPeeringConnection", on=_PEERING)
def delete_vpc_peering_connection(ctx: Ctx, params: Params) -> Output:
    peering = _current(ctx, params)
    if peering.status in _OVER:
        raise errors.peering_state(peering.id, peering.status)
    message = f"Deleted by {ctx.account}"
    ctx.state.peerings.put(replace(peering, status="deleted", message=message, ended=ctx.now))
    return {"Return": True}


@operation("DescribeVpcPeeringConnections")
def describe_vpc_peering_connections(ctx: Ctx, params: Params) -> Output:
    ids = params.get("VpcPeeringConnectionIds")
    found = [_current(ctx, {"VpcPeeringConnectionId": each}) for each in ids] if ids else _visible(ctx)
    outputs = filtered((peering_output(ctx, each) for each in found), params, PEERING_FILTERS)
    return paged(outputs, params, "VpcPeeringConnections")


@operation("ModifyVpcPeeringConnectionOptions", on=_PEERING)
def modify_vpc_peering_connection_options(ctx: Ctx, params: Params) -> Output:
    peering = _current(ctx, params)
    if peering.status != "active":
        raise errors.peering_state(peering.id, peering.status)
    shown: Rendered = {}
    for side, account, field in (
        ("RequesterPeeringConnectionOptions", peering.account, "requester_dns"),
        ("AccepterPeeringConnectionOptions", peering.accepter_account, "accepter_dns"),
    ):
        options = params.get(side)
        if options is None:
            continue
        if account != ctx.account:
            raise errors.peering_not_yours(peering.id, ctx.account)
        allow = bool(options.get("AllowDnsResolutionFromRemoteVpc"))
        peering = ctx.state.peerings.put(replace(peering, **{field: allow}))
        shown[side] = {"AllowDnsResolutionFromRemoteVpc": allow}
    return shown
