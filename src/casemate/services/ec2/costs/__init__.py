"""What the ways out of a VPC cost: hours from the lifetimes of their records, bytes from the kernel's counters.

Metered: NAT gateways, interface endpoints (per zone), gateway endpoints (which cost nothing). Not metered: public IPv4
addresses, data transfer, cross-zone traffic, and everything that is not a VPC's.
"""
