"""What IPv6 adds to the plan of a VPC: addresses, routes and a table of rules of its own, beside those of IPv4.

Nothing here for a VPC without an IPv6 block, whose namespaces keep IPv6 switched off. No address is translated, there
are no endpoints and no NAT gateways, and nothing is announced or solicited: neighbours are permanent, as in IPv4.
"""

from casemate.dataplane.plan.ipv6.addressing import ipv6_parts, peering_objects
from casemate.dataplane.plan.ipv6.internet import internet_objects

__all__ = ["internet_objects", "ipv6_parts", "peering_objects"]
