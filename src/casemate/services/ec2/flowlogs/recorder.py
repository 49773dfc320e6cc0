"""The windows of aggregation: what each flow log has yet to deliver. No clock, no I/O: both are handed in.

Source: VPC User Guide, "Flow log records", "Aggregation interval": flows of a window become one record each; delivery
comes after the window. The data plane gives totals; a record tells what was added since the last look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.model.flows import FlowCount, FlowKey
from casemate.model.network import NetworkSnapshot
from casemate.servicekit.ports import LogDelivery
from casemate.servicekit.store import Store
from casemate.services.ec2.flowlogs.record import Scene, Traffic, line, no_data
from casemate.services.ec2.records import FlowLog
from casemate.services.ec2.state import Ec2State

ACCESS_ERROR = "Access error"
"""As AWS says it: "Access error indicates that the IAM role ... does not have sufficient permissions": API reference, FlowLog."""


@dataclass(slots=True)
class _Window:
    """What one flow log has gathered."""

    start: int
    flows: dict[FlowKey, Traffic] = field(default_factory=dict[FlowKey, Traffic])
    scenes: dict[str, Scene] = field(default_factory=dict[str, Scene])
    """Of the interfaces that were seen: some may be gone by the time of delivery."""


class FlowRecorder:
    """Implements the port `FlowObserver`."""

    def __init__(self, state: Ec2State, store: Store, delivery: LogDelivery) -> None:
        self._state = state
        self._store = store
        self._delivery = delivery
        self._totals: dict[FlowKey, tuple[int, int]] = {}
        self._windows: dict[str, _Window] = {}

    def observe(
        self, network: NetworkSnapshot, counts: Mapping[str, Sequence[FlowCount]], *, since: int, now: int
    ) -> None:
        """Take in the totals of each logged VPC, as they are at `now`; `since` is when they were last looked at.

        A VPC that is not among `counts` was not looked at: its totals are kept. A total that shrank was begun anew.
        """
        for vpc_id, found in counts.items():
            vpc = network.vpcs[vpc_id]
            scenes = {
                key: Scene(network=network, vpc=vpc, interface=each) for key, each in vpc.interfaces.items()
            }
            totals = {each.key: (each.packets, each.bytes) for each in found}
            for each in found:
                fresh = self._added(each, since=since, now=now)
                if fresh is not None:
                    self._file(fresh, scenes[each.key.interface_id], now)
            gone = [key for key in self._totals if key.interface_id in vpc.interfaces and key not in totals]
            for key in gone:
                del self._totals[key]
            self._totals |= totals

    def _added(self, count: FlowCount, *, since: int, now: int) -> Traffic | None:
        packets, size = self._totals.get(count.key, (0, 0))
        if count.packets < packets:
            packets = size = 0
        if count.packets == packets:
            return None
        end = max(since, now - int(count.idle_seconds))
        return Traffic(
            key=replace(count.key, tcp_flags=0),
            packets=count.packets - packets,
            bytes=count.bytes - size,
            start=min(since, end),
            end=end,
            tcp_flags=count.key.tcp_flags,
        )

    def _file(self, traffic: Traffic, scene: Scene, now: int) -> None:
        """Into the window of every flow log it is for."""
        place = (scene.vpc.vpc_id, scene.interface.subnet_id, scene.interface.interface_id)
        action = "ACCEPT" if traffic.key.accepted else "REJECT"
        for log in self._state.flow_logs.everywhere():
            if log.resource_id not in place or log.traffic_type not in ("ALL", action):
                continue
            window = self._window(log, now)
            window.scenes[scene.interface.interface_id] = scene
            flows = window.flows
            known = flows.get(traffic.key)
            flows[traffic.key] = traffic if known is None else _merged(known, traffic)

    def _window(self, log: FlowLog, now: int) -> _Window:
        found = self._windows.get(log.id)
        if found is None:
            found = self._windows[log.id] = _Window(
                start=max(int(log.created.timestamp()), now - log.aggregation_seconds)
            )
        return found

    def deliver(self, network: NetworkSnapshot, *, now: int, everything: bool = False) -> None:
        """Deliver the windows that are over; `everything`: also those that are not."""
        logs = {log.id: log for log in self._state.flow_logs.everywhere()}
        self._windows = {log_id: window for log_id, window in self._windows.items() if log_id in logs}
        for log in logs.values():
            window = self._window(log, now)
            over = now - window.start >= log.aggregation_seconds
            if over or (everything and window.flows):
                self._windows[log.id] = _Window(start=now)
                self._deliver(log, window, network, now)

    def _deliver(self, log: FlowLog, window: _Window, network: NetworkSnapshot, now: int) -> None:
        error = ""
        for interface_id, scene in {**window.scenes, **dict(_scenes(network, log))}.items():
            flows = [each for key, each in window.flows.items() if key.interface_id == interface_id]
            flows.sort(key=lambda each: (each.start, each.end))
            lines = [line(log.format, scene, each) for each in flows] or [
                no_data(log.format, scene, start=window.start, end=now)
            ]
            try:
                self._delivery.deliver(
                    account=log.account,
                    region=log.region,
                    role_arn=log.role_arn,
                    service="vpc-flow-logs.amazonaws.com",
                    # "aws:SourceArn": the flow log (VPC User Guide, "IAM role for publishing flow logs").
                    source_arn=f"arn:aws:ec2:{log.region}:{log.account}:vpc-flow-log/{log.id}",
                    group=log.log_group,
                    stream=f"{interface_id}-{log.traffic_type.lower()}",
                    events=[(now * 1000, each) for each in lines],
                )
            except AwsError:
                error = ACCESS_ERROR
        if error != log.delivery_error:
            with self._store.transaction():
                self._state.flow_logs.put(replace(log, delivery_error=error))


def _scenes(network: NetworkSnapshot, log: FlowLog) -> Iterable[tuple[str, Scene]]:
    """The interfaces that a flow log covers, as they are now."""
    for vpc in network.vpcs.values():
        if (vpc.account, vpc.region) != (log.account, log.region):
            continue
        for interface in vpc.interfaces.values():
            if log.resource_id in (vpc.vpc_id, interface.subnet_id, interface.interface_id):
                yield interface.interface_id, Scene(network=network, vpc=vpc, interface=interface)


def _merged(known: Traffic, more: Traffic) -> Traffic:
    return replace(
        known,
        packets=known.packets + more.packets,
        bytes=known.bytes + more.bytes,
        start=min(known.start, more.start),
        end=max(known.end, more.end),
        tcp_flags=known.tcp_flags | more.tcp_flags,
    )
