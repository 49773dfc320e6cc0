"""Snapshot -> kernel plan. Pure: which namespaces, links, routes and rules must exist, as frozen objects keyed by name.

Each VPC is one group of objects, and so are the internet and each peering connection; groups are applied and fail
apart. A VPC without any interface that could send a packet (kinds LAMBDA and INTERFACE) has no group, unless a peered
VPC could ask its interface endpoints: it costs the kernel nothing until there is one.

The shape: per VPC a `router` namespace and a `svc` namespace, one namespace per interface and
per NAT gateway, each joined to the router by a veth; one `internet` namespace overall. There is no bridge: every
interface has a /32 route in the router, so that traffic inside a subnet meets security groups too.
"""

from casemate.dataplane.plan.network import NetworkPlan, Planner

__all__ = ["NetworkPlan", "Planner"]
