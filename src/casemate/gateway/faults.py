"""`casemate fault`: faults that a user asks for, and takes back.

They are kept here, in memory: an experiment that outlived the instance would be a riddle to whoever starts it next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from casemate.dataplane.follower import Follower
from casemate.gateway.control import CommandError
from casemate.model.faults import Fault, FaultKind
from casemate.model.network import NetworkSnapshot
from casemate.model.regions import REGIONS, availability_zones

_LONGEST_MILLISECONDS = 60_000
_DURATION = re.compile(r"(\d{1,6})(ms|s)")


class FaultyNetwork(Protocol):
    """A network that can be given faults. Implemented by services.ec2."""

    def snapshot(self) -> NetworkSnapshot: ...

    def set_faults(self, faults: tuple[Fault, ...]) -> None: ...


class Faults:
    """The faults in force."""

    def __init__(
        self,
        network: FaultyNetwork,
        follower: Follower,
        *,
        why_no_latency: Callable[[], str],
    ) -> None:
        self._network = network
        self._follower = follower
        self._why_no_latency = why_no_latency
        self._faults: tuple[Fault, ...] = ()
        self._made = 0

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request of `casemate fault`: `text` and `json`. It returns when packets obey."""
        match request.get("do"):
            case "add":
                return await self._add(request)
            case "clear":
                return await self._clear(request.get("fault_id"))
            case _:
                return self._listed()

    @property
    def summary(self) -> str | None:
        """For `casemate status`; None without any."""
        return "; ".join(f"{fault.fault_id}: {fault.words}" for fault in self._faults) or None

    async def _add(self, request: dict[str, Any]) -> dict[str, Any]:
        kind, target = FaultKind(request["kind"]), str(request["target"])
        milliseconds = 0
        if kind is FaultKind.LATENCY:
            milliseconds = _milliseconds(str(request.get("duration")))
            # An endpoint's answers are held here, other packets where packets are.
            if not self._is_endpoint(target) and (why := self._why_no_latency()):
                raise CommandError(why)
        self._refuse_unknown(kind, target)
        same = next((one for one in self._faults if (one.kind, one.target) == (kind, target)), None)
        if same is not None and same.milliseconds == milliseconds:
            raise CommandError(f"{same.words} is in force already, as {same.fault_id}")
        self._made += 1
        fault = Fault(fault_id=f"fault-{self._made}", kind=kind, target=target, milliseconds=milliseconds)
        await self._put((*(one for one in self._faults if one is not same), fault))
        text = f"{fault.fault_id}: {fault.words}\nend it with: casemate fault clear {fault.fault_id}"
        return {"json": self._as_json(fault), "text": text}

    async def _clear(self, fault_id: object) -> dict[str, Any]:
        """One fault by its id; None: all of them."""
        gone = tuple(one for one in self._faults if fault_id in (None, one.fault_id))
        if not gone and fault_id is not None:
            known = ", ".join(one.fault_id for one in self._faults) or "none"
            raise CommandError(f"there is no fault {fault_id}; in force: {known}")
        await self._put(tuple(one for one in self._faults if one not in gone))
        text = "\n".join(f"{one.fault_id} is over: {one.words}" for one in gone)
        return {"json": {"cleared": [one.fault_id for one in gone]}, "text": text or "no fault is in force"}

    def _listed(self) -> dict[str, Any]:
        rows = [f"{fault.fault_id}: {fault.words}{self._reach(fault)}" for fault in self._faults]
        text = "\n".join(rows) or "no fault is in force"
        return {"json": [self._as_json(fault) for fault in self._faults], "text": text}

    async def _put(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._network.set_faults(faults)
        self._follower.changed()
        await self._follower.settled()

    def _vpcs(self, fault: Fault) -> list[str]:
        vpcs = self._network.snapshot().vpcs
        return sorted(vpc_id for vpc_id, vpc in vpcs.items() if vpc.holds(fault.target))

    def _reach(self, fault: Fault) -> str:
        vpcs = self._vpcs(fault)
        return f"  ({', '.join(vpcs)})" if vpcs else "  (touches nothing: its target is gone)"

    def _as_json(self, fault: Fault) -> dict[str, Any]:
        return {
            "id": fault.fault_id,
            "kind": fault.kind.value,
            "target": fault.target,
            "milliseconds": fault.milliseconds or None,
            "vpcs": self._vpcs(fault),
        }

    def _is_endpoint(self, target: str) -> bool:
        return any(target in vpc.endpoints for vpc in self._network.snapshot().vpcs.values())

    def _refuse_unknown(self, kind: FaultKind, target: str) -> None:
        vpcs = self._network.snapshot().vpcs.values()
        zones = {zone.zone_id for region in REGIONS for zone in availability_zones(region)}
        known = {
            FaultKind.AZ_OUTAGE: target in zones,
            FaultKind.NAT_FAILURE: any(target in vpc.nat_gateways for vpc in vpcs),
            FaultKind.ENDPOINT_DOWN: any(target in vpc.endpoints for vpc in vpcs),
            FaultKind.LATENCY: target in zones
            or self._is_endpoint(target)
            or any(target in vpc.subnets for vpc in vpcs),
        }
        if known[kind]:
            return
        what = {
            FaultKind.AZ_OUTAGE: "Availability Zone id, such as use2-az1 (describe-availability-zones: ZoneId)",
            FaultKind.NAT_FAILURE: "NAT gateway that exists (describe-nat-gateways: NatGatewayId)",
            FaultKind.ENDPOINT_DOWN: "VPC endpoint that exists (describe-vpc-endpoints: VpcEndpointId)",
            FaultKind.LATENCY: "subnet, VPC endpoint or Availability Zone id that exists",
        }
        raise CommandError(f"{target} is no {what[kind]}")


def _milliseconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    value = int(found[1]) * (1000 if found[2] == "s" else 1) if found else 0
    if not 0 < value <= _LONGEST_MILLISECONDS:
        raise CommandError(
            f"{text} is no duration from 1ms to {_LONGEST_MILLISECONDS // 1000}s, such as 200ms"
        )
    return value
