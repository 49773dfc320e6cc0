"""IPv6 on single devices of namespaces that are made without it."""

from __future__ import annotations

from casemate.dataplane.plan.objects import DualStack


def dual_stack_settings(item: DualStack, *, on: bool) -> tuple[tuple[str, str], ...]:
    """What switches IPv6 of a device on or off, as paths under /proc/sys/net.

    The kernel makes no link-local address (addr_gen_mode 1: none): routes and neighbours are all given, and nothing is
    ever solicited or announced.
    """
    if not on:
        return ((f"ipv6/conf/{item.device}/disable_ipv6", "1"),)
    settings = (
        (f"ipv6/conf/{item.device}/addr_gen_mode", "1"),
        (f"ipv6/conf/{item.device}/disable_ipv6", "0"),
    )
    return (*settings, ("ipv6/conf/all/forwarding", "1")) if item.forwards else settings
