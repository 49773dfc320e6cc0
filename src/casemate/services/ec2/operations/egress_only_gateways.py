"""Egress-only internet gateways: out over IPv6, and nothing in."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import EgressOnlyGateway
from casemate.services.ec2.registry import Ctx, on, operation, remember, replayed, required
from casemate.services.ec2.state import Ec2State


def _output(state: Ec2State, gateway: EgressOnlyGateway) -> Rendered:
    return {
        "EgressOnlyInternetGatewayId": gateway.id,
        "Attachments": [{"State": "attached", "VpcId": gateway.vpc_id}],
        "Tags": tags.rendered(state, gateway, gateway.id),
    }


@operation(
    "CreateEgressOnlyInternetGateway",
    on=(on("vpc", "VpcId"),),
    creates=("egress-only-internet-gateway",),
)
def create_egress_only_internet_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    known = state.egress_gateways.find(ctx, replayed(ctx, "CreateEgressOnlyInternetGateway", params) or "")
    if known is None:
        labels = tags.specified(params, "egress-only-internet-gateway")
        known = state.egress_gateways.put(
            EgressOnlyGateway(id=ctx.new_id("eigw"), account=ctx.account, region=ctx.region, vpc_id=vpc.id)
        )
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "CreateEgressOnlyInternetGateway", params, known.id)
    return {"EgressOnlyInternetGateway": _output(state, known), "ClientToken": params.get("ClientToken")}


@operation("DescribeEgressOnlyInternetGateways")
def describe_egress_only_internet_gateways(ctx: Ctx, params: Params) -> Output:
    ids = params.get("EgressOnlyInternetGatewayIds") or ()
    # Unlike its sisters this operation answers an unknown id with an empty list.
    found = [each for each in ctx.state.egress_gateways.all(ctx) if not ids or each.id in ids]
    outputs = filtered((_output(ctx.state, each) for each in found), params, {})
    return paged(outputs, params, "EgressOnlyInternetGateways")


@operation(
    "DeleteEgressOnlyInternetGateway",
    on=(on("egress-only-internet-gateway", "EgressOnlyInternetGatewayId"),),
)
def delete_egress_only_internet_gateway(ctx: Ctx, params: Params) -> Output:
    gateway_id = required(params, "EgressOnlyInternetGatewayId")
    gateway = ctx.state.egress_gateways.find(ctx, gateway_id)
    if gateway is None:
        raise errors.EGRESS_GATEWAY.missing(gateway_id)
    ctx.state.discard(ctx.state.egress_gateways, gateway)
    return {"ReturnCode": True}
