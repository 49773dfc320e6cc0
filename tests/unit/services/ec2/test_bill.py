"""The bill. Sources: Amazon VPC pricing (NAT gateway) and AWS PrivateLink pricing: begun hours count whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemate.services.ec2.costs.bill import bill
from casemate.services.ec2.records import Meter, Span

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
GIGABYTE = 1 << 30


def meter(
    kind: str, *spans: tuple[int, float, float | None], region: str = "us-east-1", **more: Any
) -> Meter:
    """Spans are (units, begun, ended), in hours."""
    made = tuple(
        Span(
            units=units,
            started=BEGUN + timedelta(hours=first),
            ended=None if last is None else BEGUN + timedelta(hours=last),
        )
        for units, first, last in spans
    )
    return Meter(id="nat-1", account="0", region=region, kind=kind, vpc_id="vpc-1", spans=made, **more)


@pytest.mark.parametrize(
    ("kind", "spans", "size", "hours", "total"),
    [
        ("nat-gateway", [(1, 0, None)], 0, 10, 0.45),
        ("nat-gateway", [(1, 0, 1.5)], 100 * GIGABYTE, 2, 0.09 + 4.5),
        ("nat-gateway", [(1, 10, None)], 0, 1, 0.045),
        ("interface-endpoint", [(3, 0, None)], 0, 30, 0.30),
        ("interface-endpoint", [(2, 0, 5), (3, 5, None)], 50 * GIGABYTE, 25, 0.25 + 0.5),
        ("gateway-endpoint", [(1, 0, None)], 1000 * GIGABYTE, 10, 0),
    ],
)
def test_hours_and_gigabytes(kind: str, spans: list[Any], size: int, hours: int, total: float) -> None:
    found = bill([meter(kind, *spans, bytes=size)], BEGUN + timedelta(hours=10))["json"]
    assert (found["resources"][0]["hours"], found["total"]) == (hours, pytest.approx(total))


def test_what_gateway_endpoints_would_have_saved() -> None:
    nat = meter("nat-gateway", (1, 0, None), bytes=9 * GIGABYTE, avoidable={"dynamodb": 2 * GIGABYTE})
    found = bill([nat], BEGUN + timedelta(hours=1))
    (saving,) = found["json"]["savings"]
    assert (saving["endpoint"], saving["saved"]) == ("com.amazonaws.us-east-1.dynamodb", 0.09)
    assert "would carry for nothing" in found["text"]


def test_a_region_without_a_price_is_said_and_not_guessed() -> None:
    found = bill([meter("nat-gateway", (1, 0, None), region="sa-east-1")], BEGUN + timedelta(hours=1))
    assert found["json"]["resources"][0]["total"] is None
    assert "no price on record" in found["text"]
