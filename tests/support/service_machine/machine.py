"""A service and the dictionary that it is compared with: how the one is asked and the other expected."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from casemate.servicekit.store import Store
from casemate.tables.storage_memory import MemoryStorage
from tests.support.service_requests import THINGS
from tests.support.table_model import Index, Item, ModelTable, Refused
from tests.support.table_service import Refusal, TableService


class Machine(RuleBasedStateMachine):
    """What every rule needs."""

    @initialize()
    def start(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._path = Path(self._directory.name) / "store.db"
        self._runner = asyncio.Runner()
        self._stores = [Store(self._path)]
        self.service = TableService(self._stores[0], MemoryStorage())
        self.begun = self.service.now
        self.call("CreateTable", THINGS)
        local, red = (
            Index(key=(("p", "S"), ("l", "S")), held=frozenset()),
            Index(key=(("g", "S"), ("h", "N")), held=frozenset({"n"})),
        )
        self.table = ModelTable(key=("p", "s"), indexes={"local": local, "global": red}, changes=[])
        self.arn = self.describe()["TableArn"]
        self.tokens: dict[str, Item] = {}

    def teardown(self) -> None:
        if hasattr(self, "_runner"):
            self.at_the_end()
            self._runner.close()
            for store in self._stores:
                store.close()
            self._directory.cleanup()

    def at_the_end(self) -> None:
        """A last look."""

    def call(self, operation: str, params: Any, service: str = "dynamodb") -> Any:
        return self._runner.run(self.service.call(operation, params, service))

    def ask(self, operation: str, members: Item) -> Any:
        return self.call(operation, {"TableName": "things", **members})

    def describe(self) -> Any:
        return self.ask("DescribeTable", {})["Table"]

    def tried(self, operation: str, params: Any) -> tuple[Any, Refusal | None]:
        """The answer, or the refusal."""
        try:
            return self.call(operation, params), None
        except Refusal as refusal:
            return None, refusal

    def agree(self, operation: str, params: Any, expected: Callable[[], Any]) -> tuple[Any, Any]:
        """The answer and what was expected; (None, None) when both refuse with one code."""
        answer, refusal = self.tried(operation, params)
        try:
            wanted, code = expected(), None
        except Refused as refused:
            wanted, code = None, refused.code
        assert (refusal and refusal.code) == code, (refusal, code)
        return answer, wanted

    @rule()
    def reopen(self) -> None:
        """The process is gone, and nothing of it was closed: another one begins with what was stored."""
        self._stores.append(Store(self._path))
        self.service.store = self._stores[-1]
        self.service.reopen()
