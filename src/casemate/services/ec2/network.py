"""The committed network, kept up to date: the port `Network`."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.faults import Fault
from casemate.model.network import EMPTY_NETWORK, NetworkSnapshot, VpcSnapshot
from casemate.servicekit.store import Store
from casemate.services.ec2.endpoint_policies import EndpointPolicies
from casemate.services.ec2.projection import project
from casemate.services.ec2.state import Ec2State


class CommittedNetwork:
    """Implements `casemate.servicekit.ports.Network`.

    It projects when a transaction commits, not when it is asked: inside a transaction records hold what may yet be
    undone.
    """

    def __init__(self, state: Ec2State, store: Store, policies: EndpointPolicies) -> None:
        self._state = state
        self._policies = policies
        self._watched = frozenset(shelf.name for shelf in state.projected)
        self._recorded = project(state, EMPTY_NETWORK)
        self._faults: tuple[Fault, ...] = ()
        self._faults_set = 0
        self._faulted: dict[str, tuple[VpcSnapshot, VpcSnapshot]] = {}
        """VPCs that faults touch: as recorded, and with the faults."""
        self._snapshot = self._recorded
        state.dirty.clear()
        store.subscribe(self._committed)

    def snapshot(self) -> NetworkSnapshot:
        """The committed network. The same object until the next change."""
        return self._snapshot

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        """From now on the network has these faults, and no others."""
        self._faults = faults
        self._faults_set += 1
        self._snapshot = self._with_faults()

    def _committed(self, changed: frozenset[str]) -> None:
        if self._state.endpoints.name in changed:
            self._policies.refresh()
        if not self._watched.isdisjoint(changed):
            recorded = project(self._state, self._recorded, dirty=set(self._state.dirty))
            self._state.dirty.clear()
            if recorded is not self._recorded:
                self._recorded = recorded
                self._snapshot = self._with_faults()

    def _with_faults(self) -> NetworkSnapshot:
        """What is recorded, each VPC with the faults that touch it: the same object as long as both are the same."""
        recorded = self._recorded
        faulted: dict[str, tuple[VpcSnapshot, VpcSnapshot]] = {}
        for vpc_id, vpc in recorded.vpcs.items():
            touching = tuple(fault for fault in self._faults if vpc.holds(fault.target))
            before, known = self._faulted.get(vpc_id, (None, vpc))
            if touching:
                same = before is vpc and known.faults == touching
                faulted[vpc_id] = (vpc, known if same else replace(vpc, faults=touching))
        self._faulted = faulted
        if not faulted and not self._faults_set:
            return recorded
        return replace(
            recorded,
            generation=recorded.generation + self._faults_set,
            vpcs={**recorded.vpcs, **{vpc_id: vpc for vpc_id, (_, vpc) in faulted.items()}},
        )
