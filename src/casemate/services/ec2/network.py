"""The committed network, kept up to date: the port `Network`."""

from __future__ import annotations

from casemate.model.network import EMPTY_NETWORK, NetworkSnapshot
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
        self._snapshot = project(state, EMPTY_NETWORK)
        state.dirty.clear()
        store.subscribe(self._committed)

    def snapshot(self) -> NetworkSnapshot:
        """The committed network. The same object until the next change."""
        return self._snapshot

    def _committed(self, changed: frozenset[str]) -> None:
        if self._state.endpoints.name in changed:
            self._policies.refresh()
        if not self._watched.isdisjoint(changed):
            self._snapshot = project(self._state, self._snapshot, dirty=set(self._state.dirty))
            self._state.dirty.clear()
