"""The operations of EC2, a file for each noun. Importing this package registers all of them."""

from casemate.services.ec2.operations import (
    addresses,
    dhcp_options,
    egress_only_gateways,
    endpoint_services,
    endpoints,
    flow_logs,
    group_rules,
    groups,
    insights_analyses,
    insights_paths,
    interface_attributes,
    interfaces,
    internet_gateways,
    nat_addresses,
    nat_gateways,
    network_acls,
    peerings,
    places,
    prefix_lists,
    route_tables,
    routes,
    stale_groups,
    subnets,
    tagging,
    vpcs,
    vpn_gateways,
)

__all__ = [
    "addresses", "dhcp_options", "egress_only_gateways", "endpoint_services", "endpoints", "flow_logs", "group_rules",
    "groups", "insights_analyses", "insights_paths", "interface_attributes", "interfaces", "internet_gateways", "nat_addresses", "nat_gateways", "network_acls", "peerings",
    "places", "prefix_lists", "route_tables", "routes", "stale_groups", "subnets", "tagging", "vpcs", "vpn_gateways",
]  # fmt: skip
