"""The meters' hands: started, changed and stopped with the resource, moved on by the kernel's counters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from casemate.services.ec2.costs.prices import GATEWAY_ENDPOINT, INTERFACE_ENDPOINT, NAT_GATEWAY
from casemate.services.ec2.records import Meter, NatGateway, Span, VpcEndpoint
from casemate.services.ec2.state import Ec2State

GATEWAY_SERVICES = ("dynamodb", "s3")


def follow(state: Ec2State, resource: NatGateway | VpcEndpoint, now: datetime) -> None:
    """The resource was made or changed: it is billed for as many units as it has now. Inside a transaction."""
    if isinstance(resource, NatGateway):
        kind, units, service = NAT_GATEWAY, int(resource.state == "available"), ""
    elif resource.kind == "Interface":
        kind, units, service = INTERFACE_ENDPOINT, len(resource.subnet_ids), resource.service_name
    else:
        kind, units, service = GATEWAY_ENDPOINT, 1, resource.service_name
    known = state.meters.get(resource.account, resource.region, resource.id)
    if known is None and units == 0:
        return
    meter = known or Meter(
        id=resource.id,
        account=resource.account,
        region=resource.region,
        kind=kind,
        vpc_id=resource.vpc_id,
        service_name=service,
    )
    _put(state, meter, units, now)


def stop(state: Ec2State, resource: VpcEndpoint, now: datetime) -> None:
    """The resource is gone. Inside a transaction."""
    meter = state.meters.get(resource.account, resource.region, resource.id)
    if meter is not None:
        _put(state, meter, 0, now)


def _put(state: Ec2State, meter: Meter, units: int, now: datetime) -> None:
    running = meter.spans[-1] if meter.spans and meter.spans[-1].ended is None else None
    if (running.units if running else 0) == units:
        return
    spans = meter.spans
    if running is not None:
        spans = (*spans[:-1], replace(running, ended=now))
    if units:
        spans = (*spans, Span(units=units, started=now))
    state.meters.put((meter.account, meter.region, meter.id), replace(meter, spans=spans))


class MeterReadings:
    """Implements the port `MeterReader`: from the kernel's counters, which begin at zero whenever it does."""

    def __init__(self, state: Ec2State) -> None:
        self._state = state
        self._last: dict[str, int] = {}

    def metered_vpcs(self) -> frozenset[str]:
        """VPCs with a meter that runs."""
        running = (
            each for each in self._state.meters.values() if each.spans and each.spans[-1].ended is None
        )
        return frozenset(each.vpc_id for each in running)

    def read(self, vpc_id: str, counters: Mapping[str, int]) -> None:
        """Move the VPC's meters on to these totals of bytes. Inside a transaction."""
        for meter in self._state.meters.values():
            if meter.vpc_id != vpc_id or meter.id not in counters:
                continue
            added = self._added(meter.id, counters)
            avoidable = dict(meter.avoidable)
            for service in GATEWAY_SERVICES:
                more = self._added(f"{meter.id}-{service}", counters)
                if more:
                    avoidable[service] = avoidable.get(service, 0) + more
            if added:
                moved = replace(meter, bytes=meter.bytes + added, avoidable=avoidable)
                self._state.meters.put((meter.account, meter.region, meter.id), moved)

    def _added(self, name: str, counters: Mapping[str, int]) -> int:
        total = counters.get(name, 0)
        last = self._last.get(name, 0)
        self._last[name] = total
        return total - last if total >= last else total
