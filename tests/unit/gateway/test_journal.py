"""The journal: what is on record, in which order, across restarts, and what of it outlives what."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.exchanges import ACCOUNT, exchange

from casemate.gateway import journal as module
from casemate.gateway.journal import Journal
from casemate.gateway.trail import event_of


def names(journal: Journal, **where: str) -> list[str]:
    found = journal.events(**{"account": ACCOUNT, "region": "us-east-2", **where})
    return [event["eventName"] for _, event in found]


def test_a_recorded_request_is_found_at_once_with_its_decisions() -> None:
    journal = Journal(None)
    done = exchange(resource=f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders")
    journal.record(done)
    found = journal.find(done.request_id)
    assert found is not None
    assert found.event["requestID"] == done.request_id
    assert found.decisions == done.decisions
    assert journal.find("another") is None


def test_newest_first_and_only_of_that_account_and_region() -> None:
    journal = Journal(None)
    for operation in ("ListTables", "DescribeLimits"):
        journal.record(exchange(operation=operation))
    journal.record(exchange(operation="DescribeEndpoints", region="us-east-1"))
    assert names(journal) == ["DescribeLimits", "ListTables"]
    assert names(journal, region="us-east-1") == ["DescribeEndpoints"]
    assert names(journal, account="111111111111") == []


def test_a_page_goes_on_where_it_ended_though_requests_came_between() -> None:
    journal = Journal(None)
    done = [exchange() for _ in range(4)]
    for one in done:
        journal.record(one)
    first = list(journal.events(account=ACCOUNT, region="us-east-2"))[:2]
    journal.record(exchange())
    rest = journal.events(account=ACCOUNT, region="us-east-2", before=first[-1][0])
    seen = [event["requestID"] for _, event in [*first, *rest]]
    assert seen == [one.request_id for one in reversed(done)]


async def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    before = Journal(path)
    before.start()
    done = exchange()
    before.record(done)
    await before.close()
    after = Journal(path)
    assert after.find(done.request_id) is not None
    await after.close()


def test_only_the_last_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ON_DISK", 3)
    journal = Journal(None)
    done = [exchange() for _ in range(5)]
    for one in done:
        journal.record(one)
    assert [journal.find(one.request_id) is not None for one in done] == [False, False, True, True, True]


@pytest.mark.parametrize("secret", [False, True])
def test_requests_that_are_alike_are_on_record_as_if_each_were_alone(*, secret: bool) -> None:
    """Of the second nothing is kept but what differs; what must not be kept is not kept of it either."""
    journal = Journal(None)
    first = exchange(operation="GetItem", params=read("1", secret=secret))
    second = replace(
        first,
        request_id="00000000-0000-4000-8000-000000000002",
        now=first.now + timedelta(seconds=61),
        parsed=replace(first.parsed, params=read("2", secret=secret)),  # pyright: ignore[reportArgumentType]
    )
    for one in (first, second):
        journal.record(one)
    for one in (first, second):
        found = journal.find(one.request_id)
        assert found is not None
        assert found.event == json.loads(json.dumps(event_of(one)))
        assert found.decisions == one.decisions
    if secret:
        assert b"hunter" not in journal._db.serialize()  # pyright: ignore[reportPrivateUsage]


def test_a_full_disk_costs_what_was_to_be_written_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(None)
    database = journal._db  # pyright: ignore[reportPrivateUsage]
    [(pages,)] = database.execute("PRAGMA page_count").fetchall()
    [(room,)] = database.execute("PRAGMA max_page_count").fetchall()
    database.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        lost = exchange(params={str(number): "x" * 1000 for number in range(50)})
        journal.record(lost)
        assert journal.find(lost.request_id) is None
    assert "not on record" in caplog.text
    database.execute(f"PRAGMA max_page_count = {room}")
    kept = exchange()
    journal.record(kept)
    assert journal.find(kept.request_id) is not None


def test_parameters_that_cannot_be_written_leave_the_rest_of_a_record_and_the_others() -> None:
    class Unreadable(dict[str, str]):
        def items(self) -> Any:
            raise RecursionError

    journal = Journal(None)
    done = [exchange(), exchange(params={"Name": Unreadable()}), exchange()]
    for one in done:
        journal.record(one)
    for one in done:
        found = journal.find(one.request_id)
        assert found is not None
        assert found.event["eventName"] == one.operation_name
        assert found.decisions == one.decisions


def test_decisions_are_on_record_in_their_order_and_written_once() -> None:
    """A transaction has one for each of its hundred actions, and mostly the same ones."""
    journal = Journal(None)
    (one,) = exchange(resource=f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/{'x' * 200}").decisions
    (other,) = exchange(resource=f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/other").decisions
    for orders in ([one, other, one] * 30, [other, *[one] * 90], [other], [], [one, one]):
        done = exchange(decisions=orders)
        journal.record(done)
        found = journal.find(done.request_id)
        assert found is not None
        assert found.decisions == orders
    size = len(journal._db.serialize())  # pyright: ignore[reportPrivateUsage]
    assert size < 20_000


def read(number: str, *, secret: bool) -> dict[str, object]:
    key = {"password": {"S": f"hunter{number}"}} if secret else {"id": {"S": number}, "raw": {"B": b"abc"}}
    return {"TableName": "orders", "Key": key, "ConsistentRead": True}
