"""Subscriptions to the Telemetry API that are none, and what is kept for those that come late."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casemate.execution import telemetry
from casemate.execution.telemetry import SubscriptionError, Telemetry, subscription

GOOD: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/x"},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"types": [[]]},
        {"types": [{}]},
        {"types": {}},
        {"types": []},
        {"schemaVersion": []},
        {"schemaVersion": {}},
        {"destination": {"protocol": "HTTP", "URI": "http://127.0.0.1:8080"}},
        {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:9001"}},
        {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:x"}},
        {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:80/a b"}},
        {"destination": {"protocol": [], "URI": None}},
        {"buffering": {"maxItems": True}},
        {"buffering": [1]},
    ],
)
def test_what_is_no_subscription(wrong: dict[str, Any]) -> None:
    subscription("one", json.dumps(GOOD).encode())
    with pytest.raises(SubscriptionError):
        subscription("one", json.dumps({**GOOD, **wrong}).encode())


async def test_what_an_initialization_logs_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function may log without end while it begins; what is kept for a late subscriber is memory of the front door."""
    monkeypatch.setattr(telemetry, "_HISTORY_LIMIT", 10_000)

    async def connect() -> Any:
        raise OSError

    held = Telemetry(connect, now=lambda: None)
    for _ in range(1000):
        held.take({"time": "", "type": "function", "record": "x" * 1000})
    kept = held._history  # pyright: ignore[reportPrivateUsage]
    assert kept is not None
    assert len(kept) == 10
