"""Lines that wait to be written, of everybody."""

from __future__ import annotations

from datetime import UTC, datetime

from casemate.servicekit.store import Store
from casemate.services.logs.events import EventLog
from casemate.services.logs.state import LogsState

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def test_a_line_that_is_no_text_takes_no_other_with_it() -> None:
    state = LogsState(Store(None), EventLog(None), lambda: NOW)
    for account, message in (("1" * 12, "before"), ("2" * 12, "half \udcff"), ("3" * 12, "after")):
        state.write(account=account, region="r", group="g", stream="s", events=[(1, message)])
    found: list[str] = []
    for account in ("1" * 12, "2" * 12, "3" * 12):
        stream = state.events.stream((account, "r", "g"), "s")
        assert stream is not None
        found += [event.message for event in state.events.page([stream], limit=9)]
    assert found == ["before", "half ?", "after"]
    state.close()
