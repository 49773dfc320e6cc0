"""Route tables and their associations."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import RouteTable, Subnet, TableAssociation, Vpc
from casemate.services.ec2.registry import Ctx, behind, on, operation, remember, replayed, required
from casemate.services.ec2.route_rows import Row, destination_member, rows
from casemate.services.ec2.state import Ec2State

TABLE_FILTERS = {
    "association.gateway-id": "Associations.GatewayId",
    "association.main": "Associations.Main",
    "association.route-table-association-id": "Associations.RouteTableAssociationId",
    "association.route-table-id": "Associations.RouteTableId",
    "association.subnet-id": "Associations.SubnetId",
    "owner-id": "OwnerId",
    "route.destination-cidr-block": "Routes.DestinationCidrBlock",
    "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
    "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
    "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
    "route.gateway-id": "Routes.GatewayId",
    "route.instance-id": "Routes.InstanceId",
    "route.nat-gateway-id": "Routes.NatGatewayId",
    "route.network-interface-id": "Routes.NetworkInterfaceId",
    "route.origin": "Routes.Origin",
    "route.state": "Routes.State",
    "route.transit-gateway-id": "Routes.TransitGatewayId",
    "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
    "route-table-id": "RouteTableId",
    "vpc-id": "VpcId",
}


def _row_output(row: Row) -> Rendered:
    return {
        destination_member(row.destination): row.destination,
        row.target: row.target_id,
        "Origin": row.origin,
        "State": "blackhole" if row.blackhole else "active",
    }


def _association_output(table: RouteTable, each: TableAssociation) -> Rendered:
    return {
        "RouteTableAssociationId": each.association_id,
        "RouteTableId": table.id,
        "Main": each.main,
        "SubnetId": each.subnet_id or None,
        "GatewayId": each.gateway_id or None,
        "AssociationState": {"State": "associated"},
    }


def table_output(state: Ec2State, table: RouteTable) -> Rendered:
    """As DescribeRouteTables shows it."""
    vpc = state.vpcs.get(table, table.vpc_id)
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": table.account,
        "Associations": [_association_output(table, each) for each in table.associations],
        "PropagatingVgws": [],
        "Routes": [_row_output(row) for row in rows(state, vpc, table)],
        "Tags": tags.rendered(state, table, table.id),
    }


@operation("CreateRouteTable", on=(on("vpc", "VpcId"),), creates=("route-table",))
def create_route_table(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    known = state.route_tables.find(ctx, replayed(ctx, "CreateRouteTable", params) or "")
    if known is None:
        if len(state.tables_in(vpc)) >= state.quotas.route_tables:
            raise errors.limit("RouteTableLimitExceeded", "route tables")
        labels = tags.specified(params, "route-table")
        known = state.route_tables.put(
            RouteTable(id=ctx.new_id("rtb"), account=ctx.account, region=ctx.region, vpc_id=vpc.id)
        )
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "CreateRouteTable", params, known.id)
    return {"RouteTable": table_output(state, known), "ClientToken": params.get("ClientToken")}


@operation("DescribeRouteTables")
def describe_route_tables(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.route_tables,
        ctx,
        params,
        member="RouteTables",
        ids="RouteTableIds",
        render=lambda table: table_output(ctx.state, table),
        paths=TABLE_FILTERS,
    )


@operation("DeleteRouteTable", on=(on("route-table", "RouteTableId"),))
def delete_route_table(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    table = state.route_tables.get(ctx, required(params, "RouteTableId"))
    if table.associations:
        raise errors.ROUTE_TABLE.in_use(table.id)
    for endpoint in state.endpoints.all(ctx):
        if table.id in endpoint.route_table_ids:
            kept = tuple(each for each in endpoint.route_table_ids if each != table.id)
            state.endpoints.put(replace(endpoint, route_table_ids=kept))
    state.discard(state.route_tables, table)
    return {}


def _association_of(state: Ec2State, vpc: Vpc, subnet: Subnet) -> tuple[RouteTable, TableAssociation] | None:
    for table in state.tables_in(vpc):
        for each in table.associations:
            if each.subnet_id == subnet.id:
                return table, each
    return None


def _associated(each: TableAssociation) -> Output:
    return {"AssociationId": each.association_id, "AssociationState": {"State": "associated"}}


def _association(ctx: Ctx, association_id: str) -> tuple[RouteTable, TableAssociation] | None:
    found = ((table, each) for table in ctx.state.route_tables.all(ctx) for each in table.associations)
    return next((pair for pair in found if pair[1].association_id == association_id), None)


def _found(ctx: Ctx, association_id: str) -> tuple[RouteTable, TableAssociation]:
    found = _association(ctx, association_id)
    if found is None:
        raise errors.association_missing(association_id)
    return found


def _without(table: RouteTable, gone: TableAssociation) -> RouteTable:
    return replace(table, associations=tuple(each for each in table.associations if each != gone))


@operation(
    "AssociateRouteTable",
    on=(on("route-table", "RouteTableId"), on("subnet", "SubnetId"), on("internet-gateway", "GatewayId")),
)
def associate_route_table(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    table = state.route_tables.get(ctx, required(params, "RouteTableId"))
    if params.get("GatewayId"):
        made = _associate_gateway(ctx, table, str(params["GatewayId"]))
    else:
        subnet = state.subnets.get(ctx, required(params, "SubnetId"))
        if subnet.vpc_id != table.vpc_id:
            raise errors.other_network("route table", table.id, "subnet", subnet.id)
        known = _association_of(state, state.vpcs.get(ctx, subnet.vpc_id), subnet)
        if known is not None:
            if known[0].id == table.id:  # again the same: AWS answers with the association there is
                return _associated(known[1])
            raise errors.already_associated(table.id)
        made = TableAssociation(association_id=resource_id("rtbassoc", ctx.random_bytes), subnet_id=subnet.id)
    state.route_tables.put(replace(table, associations=(*table.associations, made)))
    return _associated(made)


def _associate_gateway(ctx: Ctx, table: RouteTable, gateway_id: str) -> TableAssociation:
    gateway = ctx.state.internet_gateways.find(ctx, gateway_id)
    if gateway is None:
        raise errors.route_gateway_missing(gateway_id)
    if gateway.vpc_id != table.vpc_id:
        raise errors.other_network("route table", table.id, "gateway", gateway_id)
    for other in ctx.state.route_tables.all(ctx):
        if any(each.gateway_id == gateway_id for each in other.associations):
            raise errors.already_associated(table.id)
    return TableAssociation(association_id=resource_id("rtbassoc", ctx.random_bytes), gateway_id=gateway_id)


def _table_of(ctx: Ctx, association_id: str) -> str | None:
    found = _association(ctx, association_id)
    return found[0].id if found else None


def _subnet_of(ctx: Ctx, association_id: str) -> str | None:
    found = _association(ctx, association_id)
    return (found[1].subnet_id or None) if found else None


_ENDS = (behind("route-table", "AssociationId", _table_of), behind("subnet", "AssociationId", _subnet_of))


@operation("DisassociateRouteTable", on=_ENDS)
def disassociate_route_table(ctx: Ctx, params: Params) -> Output:
    table, association = _found(ctx, required(params, "AssociationId"))
    if association.main:
        raise errors.invalid_value(
            f"cannot disassociate the main route table association {association.association_id}"
        )
    ctx.state.route_tables.put(_without(table, association))
    return {}


@operation("ReplaceRouteTableAssociation", on=(on("route-table", "RouteTableId"),))
def replace_route_table_association(ctx: Ctx, params: Params) -> Output:
    """Move a subnet to another table; with the main association, make another table the main one."""
    state = ctx.state
    target = state.route_tables.get(ctx, required(params, "RouteTableId"))
    source, association = _found(ctx, required(params, "AssociationId"))
    if source.vpc_id != target.vpc_id:
        raise errors.other_network("route table", target.id, "association", association.association_id)
    if source.id == target.id:
        return {"NewAssociationId": association.association_id, "AssociationState": {"State": "associated"}}
    made = replace(association, association_id=resource_id("rtbassoc", ctx.random_bytes))
    state.route_tables.put(_without(source, association))
    state.route_tables.put(replace(target, associations=(*target.associations, made)))
    return {"NewAssociationId": made.association_id, "AssociationState": {"State": "associated"}}
