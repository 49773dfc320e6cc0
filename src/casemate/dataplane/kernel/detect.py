"""What the machine allows, by doing every step once in a child process. `python -m casemate.dataplane.kernel.detect`.

Asking the kernel whether a call would be permitted is not enough: on some systems unshare(2) succeeds and the
capabilities are taken away afterwards (AppArmor's restriction of unprivileged user namespaces).
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from casemate.dataplane.kernel import nftables, rtnetlink, syscalls
from casemate.dataplane.kernel.delay_line import hook, packet_socket, sending_socket
from casemate.dataplane.kernel.dual_stack import dual_stack_settings
from casemate.dataplane.kernel.mode import Mode
from casemate.dataplane.kernel.netlink import NETLINK_ROUTE, NetlinkSocket
from casemate.dataplane.plan.objects import Address, Delay, DualStack, Route, RouteKind, RoutingRule

_PROBE_RULES = """
table ip casemate {
  set pairs { type ifname . ipv4_addr; elements = { "a" . 10.0.0.1, "b" . 10.0.0.2 } }
  chain arrival { type filter hook prerouting priority -160; ct state invalid drop
    iifname . ip saddr != @pairs drop
  }
  chain source { type nat hook postrouting priority 100; ip saddr 10.0.0.1 snat to 10.0.0.2
  }
}
"""
_PROBE_RULES_6 = """
table ip6 casemate {
  chain arrival { type filter hook prerouting priority -160; ct state invalid drop
  }
  chain source { type nat hook postrouting priority 100; ip6 saddr fd00::1 snat to fd00::2
  }
}
"""
_NAMESPACES = "run as root, or allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
_REMEDIES = {
    "unshare(user)": _NAMESPACES,
    "uid_map": _NAMESPACES,
    "unshare(net)": _NAMESPACES,
    "mount": _NAMESPACES,
    "veth": "load the kernel's veth module (modprobe veth)",
    "rule": "use a kernel with CONFIG_IP_MULTIPLE_TABLES",
    "sysctl": "mount /proc/sys writable (in a container: --security-opt systempaths=unconfined)",
    "libnftables": nftables.REMEDY,
    "nft": "load the kernel's nf_tables and nf_conntrack modules (modprobe nf_tables nf_conntrack nft_ct nft_nat)",
    "IP_TRANSPARENT": "grant CAP_NET_ADMIN",
}


def detect() -> Mode:
    """The best mode this process may have. As root the direct way is tried first."""
    failure = ("", "")
    if os.geteuid() == 0:
        found = _attempt(user_namespace=False)
        if isinstance(found, dict):
            return Mode(name="kernel-root", **found)
        failure = found
    rootless = _attempt(user_namespace=True)
    if isinstance(rootless, dict):
        return Mode(name="kernel-userns", **rootless)
    step, error = rootless if not failure[0] else failure
    return Mode(name="none", failed_step=f"{step}: {error}", remedy=_REMEDIES.get(step, ""))


def _attempt(*, user_namespace: bool) -> tuple[str, str] | dict[str, str]:
    """(step, error) of the first step that fails; when none does, what the machine lacks that not everybody needs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, json.dumps(_try_steps(user_namespace=user_namespace)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        return ("nft", "the probing process ended without an answer")
    found: dict[str, str] | list[str] = json.loads(answer)
    return found if isinstance(found, dict) else (found[0], found[1])


def _try_steps(*, user_namespace: bool) -> list[str] | dict[str, str]:
    steps: list[tuple[str, Callable[[], None]]] = [
        ("unshare(net)", lambda: syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)),
        ("mount", syscalls.make_mounts_private),
        ("veth", _try_veth),
        ("rule", _try_rule),
        ("sysctl", lambda: _write("ipv4/ip_forward", "1")),
        ("libnftables", lambda: nftables.Nftables().close()),
        ("nft", lambda: nftables.Nftables().run(_PROBE_RULES)),
        ("sysctl", lambda: _write("netfilter/nf_conntrack_tcp_loose", "0")),
        ("IP_TRANSPARENT", _try_transparent),
    ]
    if user_namespace:
        steps.insert(0, ("unshare(user)", syscalls.become_root_of_new_user_namespace))
    for name, step in steps:
        try:
            step()
        except Exception as error:
            return [name, str(error)[:300]]
    return {"no_latency": _why_no_latency(), "no_ipv6": _why_no_ipv6()}


def _why_no_latency() -> str:
    """What only `casemate fault latency` needs. On the device of `_try_veth`."""
    delay = Delay(namespace="", device="a", milliseconds=1, inside="", end="b")
    try:
        with NetlinkSocket(NETLINK_ROUTE) as netlink:
            netlink.run([rtnetlink.delay(delay, 10)])
    except OSError as error:
        netem = error.strerror
    else:
        return ""
    try:
        for opened in (packet_socket("b"), sending_socket("a")):
            opened.close()
        nftables.Nftables().run(hook("b"))
    except (OSError, RuntimeError) as error:
        return (
            f"packets cannot be delayed: this kernel has no scheduler netem ({netem}), and the helper cannot hold them "
            f"itself ({str(error)[:200]}); modprobe sch_netem, or nf_tables with CONFIG_NETFILTER_INGRESS and af_packet"
        )
    return ""


def _why_no_ipv6() -> str:
    """What only VPCs with IPv6 blocks need. On the device of `_try_veth`."""
    own, everywhere = IPv6Address("fd00::1"), IPv6Network("::/0")
    try:
        for path, value in dual_stack_settings(DualStack(namespace="", device="a", forwards=True), on=True):
            _write(path, value)
        with NetlinkSocket(NETLINK_ROUTE) as netlink:
            netlink.run(
                [
                    rtnetlink.address(Address(namespace="", device="a", address=own), 10),
                    rtnetlink.route(
                        Route(namespace="", table="probe", destination=everywhere, kind=RouteKind.BLACKHOLE),
                        1000,
                        None,
                    ),
                    rtnetlink.rule(RoutingRule(namespace="", table="probe", device="a", ipv6=True), 1000),
                ]
            )
        nftables.Nftables().run(_PROBE_RULES_6)
    except (OSError, RuntimeError) as error:
        return f"no IPv6 in VPCs: this machine's kernel refuses it ({str(error)[:200]}); load its ipv6 module"
    return ""


def _try_veth() -> None:
    here = syscalls.open_own_network()
    with NetlinkSocket(NETLINK_ROUTE) as netlink:
        peer = ("b", 11, "0a:00:00:00:00:0b", here)
        netlink.run([rtnetlink.link_up(1), rtnetlink.new_veth("a", 10, "0a:00:00:00:00:0a", peer)])
    os.close(here)


def _try_rule() -> None:
    everything = IPv4Network("0.0.0.0/0")
    hole = Route(namespace="", table="probe", destination=everything, kind=RouteKind.BLACKHOLE)
    rule = RoutingRule(namespace="", table="probe", device="a")
    with NetlinkSocket(NETLINK_ROUTE) as netlink:
        netlink.run([rtnetlink.route(hole, 1000, None), rtnetlink.rule(rule, 1000)])


def _write(path: str, value: str) -> None:
    Path("/proc/sys/net", path).write_text(value, encoding="ascii")


def _try_transparent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_IP, 19, 1)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(detect().to_json()) + "\n")
