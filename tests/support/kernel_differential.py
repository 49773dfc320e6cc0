"""The same flows by the pure verdict and by the kernel, and where the two disagree."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from casemate.dataplane.kernel import messages
from casemate.model.network import ICMP, TCP, UDP, InterfaceKind, NetworkSnapshot
from casemate.reachability import reach
from casemate.reachability.verdict import Flow, FromInterface, Outcome, ReasonCode, Verdict
from tests.support.kernel_network import KernelNetwork
from tests.support.topologies import Features, Topology, random_topology

PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}
EVERYTHING = Features(
    peering=True,
    secondary=True,
    private_nat=True,
    blackholes=True,
    public_targets=True,
    inbound=True,
    chain=True,
    dead_ends=True,
    machines=True,
)
FAULTY = replace(EVERYTHING, faults=True)
DUAL_STACK = replace(FAULTY, ipv6=True)
_PORTS = (443, 80, 5432)


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    flow: Flow
    verdict: Verdict
    kernel: str
    """What the sender heard."""

    def __str__(self) -> str:
        hops = "; ".join(
            f"{'<' if hop.returning else '>'} {hop.component} {hop.matched}" for hop in self.verdict.hops
        )
        return f"{self.flow}\n  kernel: {self.kernel}\n  verdict: {self.verdict.outcome} {self.verdict.source_seen} {self.verdict.explanation}\n  {hops}"


class Comparison:
    """Topologies one after the other in one running data plane, so that the changes between them are tested as well."""

    def __init__(self, net: KernelNetwork) -> None:
        self._net = net
        self.flows = 0
        self.answered = 0
        self.said: dict[Flow, str] = {}
        """What the kernel did with each flow of the last topology."""

    async def run(self, topology: Topology) -> list[Disagreement]:
        """Where the kernel does not do what the verdict says. An answer that was missed is waited for once more."""
        await self._net.dataplane.apply(topology.snapshot)
        namespaces = await self._prepare(topology.snapshot)
        verdicts = {flow: reach(topology.snapshot, flow) for flow in topology.flows}
        kernel = await self._probe(topology.snapshot, namespaces, topology.flows, 0.15)
        wrong = [flow for flow in topology.flows if not agree(verdicts[flow], kernel[flow])]
        if wrong:
            kernel |= await self._probe(topology.snapshot, namespaces, tuple(wrong), 0.8)
        self.said = kernel
        for fd in namespaces.values():
            os.close(fd)
        self.flows += len(topology.flows)
        self.answered += sum(verdict.outcome is not Outcome.DROPPED for verdict in verdicts.values())
        return [
            Disagreement(flow=flow, verdict=verdicts[flow], kernel=kernel[flow])
            for flow in wrong
            if not agree(verdicts[flow], kernel[flow])
        ]

    async def _prepare(self, snapshot: NetworkSnapshot) -> dict[str, int]:
        """A namespace to send from for each interface, and "" for the internet; everybody listens."""
        found: dict[str, int] = {}
        for vpc in snapshot.vpcs.values():
            for interface in vpc.interfaces.values():
                if interface.kind is InterfaceKind.LAMBDA:
                    environment = await self._net.dataplane.attach_environment(interface.interface_id)
                    environment.runtime_api.close()
                    found[interface.interface_id] = environment.netns_fd
                elif interface.kind is InterfaceKind.INTERFACE:
                    machine = interface.host or interface.interface_id
                    fd = await self._net.dataplane.interface_namespace(machine)
                    found[interface.interface_id] = fd
                    for port in _PORTS:
                        await self._listen(fd, {"do": "listen", "port": port})
                    await self._listen(fd, {"do": "answer", "port": 53})
                    if interface.ipv6:
                        for port in _PORTS:
                            await self._listen(fd, {"do": "listen", "port": port, "address": "::"})
                        await self._listen(fd, {"do": "answer", "port": 53, "address": "::"})
        _, (found[""],) = await self._net.dataplane._call(messages.OpenNamespace("internet"))
        await self._listen(found[""], {"do": "answer", "port": 53})
        await self._listen(found[""], {"do": "answer", "port": 53, "address": "::"})
        return found

    async def _listen(self, namespace: int, request: dict[str, Any]) -> None:
        """An interface that was there before this change listens already."""
        outcome = (await self._net.ask(namespace, request))["outcome"]
        assert outcome == "listening" or "Address already in use" in outcome, outcome

    async def _probe(
        self, snapshot: NetworkSnapshot, namespaces: dict[str, int], flows: tuple[Flow, ...], seconds: float
    ) -> dict[Flow, str]:
        numbers = {name: number for number, name in enumerate(namespaces)}
        sent = [
            [
                numbers[flow.source.interface_id if isinstance(flow.source, FromInterface) else ""],
                [
                    PROTOCOLS[flow.protocol],
                    _source(snapshot, flow),
                    flow.source_port,
                    str(flow.destination),
                    flow.port,
                ],
            ]
            for flow in flows
        ]
        request = {"do": "many", "timeout": seconds, "flows": sent}
        answer = await self._net.ask(list(namespaces.values()), request)
        assert "answers" in answer, answer
        return dict(zip(flows, answer["answers"], strict=True))


def _source(snapshot: NetworkSnapshot, flow: Flow) -> str:
    """The address to bind: the interface's own; inside an environment there is only one."""
    if not isinstance(flow.source, FromInterface):
        return str(flow.source.address)
    for vpc in snapshot.vpcs.values():
        interface = vpc.interfaces.get(flow.source.interface_id)
        if interface is not None and interface.kind is not InterfaceKind.LAMBDA:
            if flow.destination.version == 6:
                return str(interface.ipv6[0]) if interface.ipv6 else "::"
            return str(interface.address)
    return "::" if flow.destination.version == 6 else "0.0.0.0"


def agree(verdict: Verdict, kernel: str) -> bool:
    """Silence for silence, a refusal for a refusal, and an answer to the address that the verdict says is seen."""
    match verdict.outcome:
        case Outcome.DROPPED if verdict.reason is ReasonCode.CM_NO_IPV6_ADDRESS:
            return kernel in ("ENETUNREACH", "EADDRNOTAVAIL")  # the sender's own system says so
        case Outcome.DROPPED:
            return kernel == "timeout"
        case Outcome.REFUSED:
            return kernel == "ECONNREFUSED"
        case Outcome.REACHED:
            return kernel == "echo" or (
                kernel[:1] == "[" and json.loads(kernel)[0] == str(verdict.source_seen)
            )


async def compare(seed: int, topologies: int, flows: int, features: Features) -> tuple[Comparison, list[str]]:
    """Random topologies from one seed; the disagreements, each with what is needed to see it again."""
    rng = Random(seed)
    found: list[str] = []
    async with KernelNetwork.running() as net:
        comparison = Comparison(net)
        for number in range(topologies):
            topology = random_topology(rng, flows=flows, features=features)
            found += [
                f"seed {seed}, topology {number}: {item}\n  {topology.notation}"
                for item in await comparison.run(topology)
            ]
        assert not net.logged, net.logged
    return comparison, found
