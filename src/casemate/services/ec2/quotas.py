"""How much an account may have.

Sources: Amazon VPC User Guide, "Amazon VPC quotas"; AWS PrivateLink Guide, "AWS PrivateLink quotas": 50 interface endpoints
per VPC, 20 gateway endpoints per Region, "you can create up to 255 gateway endpoints per VPC", 20,480 characters per policy.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Quotas(Struct, frozen=True, kw_only=True):
    """AWS's defaults, except where AWS raises a quota for the asking and the default only gets in the way of tests:
    VPCs and internet gateways (AWS starts at 5, adjustable to hundreds) and elastic addresses (5).
    """

    vpcs: int = 100
    """Per Region."""
    internet_gateways: int = 100
    """Per Region."""
    addresses: int = 100
    """Elastic addresses per Region."""
    subnets: int = 200
    """Per VPC."""
    cidrs: int = 5
    """IPv4 blocks per VPC."""
    route_tables: int = 200
    """Per VPC."""
    routes: int = 500
    """Per route table; propagated and endpoint routes do not count."""
    groups: int = 2500
    """Security groups per Region."""
    rules_per_group: int = 60
    """Per direction and per address family; a prefix list counts as its maximum of entries."""
    groups_per_interface: int = 5
    interfaces: int = 5000
    """Per Region."""
    acls: int = 200
    """Network ACLs per VPC."""
    acl_entries: int = 20
    """Per direction, the closing deny not counted."""
    nat_gateways: int = 100
    """Per Availability Zone (AWS starts at 5)."""
    gateway_endpoints: int = 20
    """Per Region."""
    gateway_endpoints_per_vpc: int = 255
    interface_endpoints: int = 50
    """Per VPC."""
    prefix_lists: int = 100
    """Per Region."""
    policy_characters: int = 20_480
    """Of an endpoint policy."""
    insights_paths: int = 100
    """Reachability Analyzer's paths per Region. The guide has a page "Quotas", which could not be read: the number is
    unverified."""
    tags: int = 50
    """Per resource."""


def quotas_with(given: Mapping[str, int]) -> Quotas:
    """The defaults, but for what is given; ValueError for a name that is no quota, or a number that cannot be one."""
    names = Quotas.__struct_fields__
    for name, number in given.items():
        if name not in names:
            raise ValueError(f"{name} is no quota; these are: {', '.join(names)}")
        if number < 0:
            raise ValueError(f"{name}={number}: a quota is not negative")
    return Quotas(**given)
