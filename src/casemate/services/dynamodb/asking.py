"""The port `Tables`; and the context of somebody who made no request of DynamoDB itself."""

from __future__ import annotations

import os
from ipaddress import IPv4Address

from casemate.model.ids import uuid4
from casemate.model.origin import InternetOrigin
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.service import Authorize, Check, Context
from casemate.servicekit.store import Store
from casemate.services.dynamodb.state import DynamoState


class AskedTables:
    """Implements the port over the state of the service."""

    def __init__(self, state: DynamoState, store: Store, *, clock: Clock) -> None:
        self._state = state
        self._store = store
        self._clock = clock

    def table_exists(self, *, account: str, region: str, name: str) -> bool:
        return self._state.tables.get(account, region, name) is not None

    def unlock(
        self, *, account: str, region: str, name: str, principal: Principal, authorize: Authorize
    ) -> None:
        table = self._state.tables.get(account, region, name)
        if table is not None:
            self._state.table_keys.ask(
                context_of(
                    principal, state=self._state, store=self._store, clock=self._clock, region=region,
                    authorize=authorize,
                ),
                table,
            )  # fmt: skip


def context_of(
    principal: Principal,
    *,
    state: DynamoState,
    store: Store,
    clock: Clock,
    region: str,
    authorize: Authorize,
) -> Context[DynamoState]:
    """As if `principal` had called; what is asked further is asked of `authorize`, in its name."""
    asker = principal

    def ask(check: Check, *, principal: Principal | None = None, through: str | None = None) -> None:
        authorize(check, principal=principal or asker, through=through)

    return Context(
        state=state,
        request_id=uuid4(os.urandom),
        account=principal.account,
        region=region,
        principal=principal,
        # A key asked for in a forward access session never sees the path.
        origin=InternetOrigin(address=IPv4Address("0.0.0.0")),  # noqa: S104 - no address at all
        now=clock(),
        random_bytes=os.urandom,
        store=store,
        authorize=ask,
    )
