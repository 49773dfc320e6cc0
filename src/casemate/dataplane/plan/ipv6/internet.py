"""The IPv6 side of the internet: the dual-stack endpoints of services, and stand-ins for hosts."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.objects import (
    LOCAL,
    LOOPBACK,
    DualStack,
    KernelObject,
    Listener,
    Route,
    RouteKind,
)
from casemate.model.regions import SERVICES_IPV6, VPC_IPV6_POOL

_ANY = IPv6Address("::")
_EVERYWHERE = IPv6Network("::/0")
_UNROUTED = (
    # RFC 6890 and RFC 4193: nobody on the internet has these addresses. Blocks of VPCs have routes of their own.
    IPv6Network("::/8"),
    IPv6Network("fc00::/7"),
    VPC_IPV6_POOL,
)


def internet_objects(*, host: bool) -> list[KernelObject]:
    """`host`: hosts are the machine's own network's, which no relay carries IPv6 into; services answer all the same."""
    inside = names.INTERNET_NAMESPACE
    answering, silent = (SERVICES_IPV6, (_EVERYWHERE,)) if host else (_EVERYWHERE, _UNROUTED)
    return [
        DualStack(namespace=inside, device=LOOPBACK, forwards=True),
        Route(namespace=inside, table=LOCAL, destination=answering, kind=RouteKind.LOCAL, device=LOOPBACK),
        *(
            Route(namespace=inside, table=LOCAL, destination=cidr, kind=RouteKind.BLACKHOLE)
            for cidr in silent
        ),
        *(
            Listener(
                name=f"internet/tcp/[{_ANY}]/{port}",
                namespace=inside,
                vpc_id=None,
                protocol="tcp",
                address=_ANY,
                port=port,
            )
            for port in (443, 80)
        ),
    ]
