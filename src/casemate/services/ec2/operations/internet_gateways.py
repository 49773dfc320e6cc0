"""Internet gateways."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import InternetGateway
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.state import Ec2State

GATEWAY_FILTERS = {
    "attachment.state": "Attachments.State",
    "attachment.vpc-id": "Attachments.VpcId",
    "internet-gateway-id": "InternetGatewayId",
    "owner-id": "OwnerId",
}


def gateway_output(state: Ec2State, gateway: InternetGateway) -> Rendered:
    """As DescribeInternetGateways shows it."""
    attachments = [{"State": "available", "VpcId": gateway.vpc_id}] if gateway.vpc_id else []
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": gateway.account,
        "Attachments": attachments,
        "Tags": tags.rendered(state, gateway, gateway.id),
    }


@operation("CreateInternetGateway", creates=("internet-gateway",))
def create_internet_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    if len(state.internet_gateways.all(ctx)) >= state.quotas.internet_gateways:
        raise errors.limit("InternetGatewayLimitExceeded", "internet gateways")
    labels = tags.specified(params, "internet-gateway")
    gateway = state.internet_gateways.put(
        InternetGateway(id=ctx.new_id("igw"), account=ctx.account, region=ctx.region)
    )
    tags.put(state, ctx, gateway.id, labels)
    return {"InternetGateway": gateway_output(state, gateway)}


@operation("DescribeInternetGateways")
def describe_internet_gateways(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.internet_gateways,
        ctx,
        params,
        member="InternetGateways",
        ids="InternetGatewayIds",
        render=lambda gateway: gateway_output(ctx.state, gateway),
        paths=GATEWAY_FILTERS,
    )


@operation("AttachInternetGateway", on=(on("internet-gateway", "InternetGatewayId"), on("vpc", "VpcId")))
def attach_internet_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    gateway = state.internet_gateways.get(ctx, required(params, "InternetGatewayId"))
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    if gateway.vpc_id:
        raise errors.gateway_already_attached(gateway.id, gateway.vpc_id)
    if state.gateway_of(vpc) is not None:
        raise errors.vpc_has_gateway(vpc.id)
    state.internet_gateways.put(replace(gateway, vpc_id=vpc.id))
    return {}


@operation("DetachInternetGateway", on=(on("internet-gateway", "InternetGatewayId"), on("vpc", "VpcId")))
def detach_internet_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    gateway = state.internet_gateways.get(ctx, required(params, "InternetGatewayId"))
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    if gateway.vpc_id != vpc.id:
        raise errors.gateway_not_attached(gateway.id, vpc.id)
    interfaces = [each for each in state.interfaces.all(ctx) if each.vpc_id == vpc.id]
    if any(address.public for interface in interfaces for address in interface.addresses):
        raise errors.mapped_addresses(vpc.id)
    state.internet_gateways.put(replace(gateway, vpc_id=""))
    return {}


@operation("DeleteInternetGateway", on=(on("internet-gateway", "InternetGatewayId"),))
def delete_internet_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    gateway = state.internet_gateways.get(ctx, required(params, "InternetGatewayId"))
    if gateway.vpc_id:
        raise errors.INTERNET_GATEWAY.in_use(gateway.id)
    state.discard(state.internet_gateways, gateway)
    return {}
