"""What if the endpoint were there? Networks one change away from the present one, to prove a remedy before it is named."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.network import (
    EndpointKind,
    NetworkSnapshot,
    PrefixListRef,
    Route,
    TargetKind,
    VpcEndpoint,
    VpcSnapshot,
)


class Detour(Struct, frozen=True, kw_only=True):
    """One change, and the network after it."""

    change: str
    """`Associate vpce-... with rtb-....`: what a person does."""
    snapshot: NetworkSnapshot


def detours(
    snapshot: NetworkSnapshot, interface_id: str, *, service: str, service_region: str
) -> Iterator[Detour]:
    """Each gateway endpoint of the interface's VPC for the service, associated with the subnet's route table."""
    vpc = next((one for one in snapshot.vpcs.values() if interface_id in one.interfaces), None)
    if vpc is None:
        return
    table_id = vpc.subnets[vpc.interfaces[interface_id].subnet_id].route_table_id
    serving = [one for one in vpc.endpoints.values() if one.route_table_ids.count(table_id)]
    for endpoint_id in sorted(vpc.endpoints):
        endpoint = vpc.endpoints[endpoint_id]
        if (
            endpoint.kind is EndpointKind.GATEWAY
            and (endpoint.service, endpoint.service_region) == (service, service_region)
            # A route table has one endpoint per service (AWS PrivateLink Guide, "Gateway endpoints").
            and not any(one.service_name == endpoint.service_name for one in serving)
        ):
            changed = _associated(vpc, endpoint, table_id)
            yield Detour(
                change=f"Associate {endpoint_id} with {table_id}.",
                snapshot=replace(snapshot, vpcs={**snapshot.vpcs, vpc.vpc_id: changed}),
            )


def _associated(vpc: VpcSnapshot, endpoint: VpcEndpoint, table_id: str) -> VpcSnapshot:
    assert endpoint.prefix_list_id is not None
    table = vpc.route_tables[table_id]
    route = Route(
        destination=PrefixListRef(prefix_list_id=endpoint.prefix_list_id),
        target=TargetKind.GATEWAY_ENDPOINT,
        target_id=endpoint.endpoint_id,
    )
    joined = replace(endpoint, route_table_ids=(*endpoint.route_table_ids, table_id))
    return replace(
        vpc,
        route_tables={**vpc.route_tables, table_id: replace(table, routes=(*table.routes, route))},
        endpoints={**vpc.endpoints, endpoint.endpoint_id: joined},
    )
