"""The bill: what each meter comes to, and what gateway endpoints would have saved."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from casemate.services.ec2.costs.prices import AS_OF, GATEWAY_ENDPOINT, price
from casemate.services.ec2.records import Meter, Span

_GIGABYTE = 1 << 30
"""Amazon S3 bills binary gigabytes; that these services do too is unchecked (it matters by 7 %)."""


class Line(Struct, frozen=True, kw_only=True):
    """One meter, in dollars; None where no price is on record."""

    meter: Meter
    hours: int
    """Billed ones, over all zones: a begun hour counts whole."""
    gigabytes: Decimal
    for_hours: Decimal | None
    for_data: Decimal | None

    @property
    def total(self) -> Decimal | None:
        return None if self.for_hours is None or self.for_data is None else self.for_hours + self.for_data


def _hours(span: Span, now: datetime) -> int:
    """Begun ones."""
    return max(1, math.ceil(((span.ended or now) - span.started).total_seconds() / 3600))


def line(meter: Meter, now: datetime) -> Line:
    """What the meter comes to at `now`."""
    hours = sum(span.units * _hours(span, now) for span in meter.spans)
    gigabytes = Decimal(meter.bytes) / _GIGABYTE
    found = price(meter.kind, meter.region)
    return Line(
        meter=meter,
        hours=hours,
        gigabytes=gigabytes,
        for_hours=found.hour * hours if found else None,
        for_data=found.gigabyte * gigabytes if found else None,
    )


def bill(meters: Iterable[Meter], now: datetime) -> dict[str, Any]:
    """`text` for people and `json`."""
    lines = [line(each, now) for each in meters]
    savings = [each for one in lines for each in _savings(one)]
    known = [each.total for each in lines if each.total is not None]
    total = sum(known, Decimal(0))
    members: dict[str, Any] = {
        "prices_as_of": AS_OF,
        "currency": "USD",
        "resources": [_resource(each) for each in lines],
        "total": _dollars(total),
        "savings": savings,
    }
    return {"json": members, "text": "\n".join(_text(members))}


def _dollars(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 9)


def _resource(one: Line) -> dict[str, Any]:
    meter = one.meter
    ended = meter.spans[-1].ended if meter.spans else None
    return {
        "id": meter.id,
        "kind": meter.kind,
        "account": meter.account,
        "region": meter.region,
        "vpc": meter.vpc_id,
        "service": meter.service_name or None,
        "deleted": ended is not None,
        "hours": one.hours,
        "bytes": meter.bytes,
        "for_hours": _dollars(one.for_hours),
        "for_data": _dollars(one.for_data),
        "total": _dollars(one.total),
    }


def _savings(one: Line) -> list[dict[str, Any]]:
    """What a NAT gateway processed for services that a gateway endpoint carries for nothing."""
    found = price(one.meter.kind, one.meter.region)
    return [
        {
            "nat_gateway": one.meter.id,
            "vpc": one.meter.vpc_id,
            "endpoint": f"com.amazonaws.{one.meter.region}.{service}",
            "bytes": size,
            "saved": _dollars(found.gigabyte * Decimal(size) / _GIGABYTE if found else None),
        }
        for service, size in sorted(one.meter.avoidable.items())
    ]


def _text(members: dict[str, Any]) -> list[str]:
    lines = [f"Costs in USD, prices as of {members['prices_as_of']}; begun hours count whole."]
    for each in members["resources"]:
        free = " (gateway endpoints cost nothing)" if each["kind"] == GATEWAY_ENDPOINT else ""
        gone = ", deleted" if each["deleted"] else ""
        cost = "no price on record" if each["total"] is None else f"{each['total']:.6f}"
        lines.append(
            f"  {each['kind']:18} {each['id']:24} {each['region']:12} {each['hours']:6d} h "
            f"{each['bytes']:14,d} bytes  {cost:>12}{free}{gone}"
        )
    lines.append(f"  total {members['total']:.6f}")
    for each in members["savings"]:
        saved = "at no price on record" if each["saved"] is None else f"for {each['saved']:.6f}"
        lines.append(
            f"{each['nat_gateway']} processed {each['bytes']:,d} bytes {saved} that a gateway endpoint for "
            f"{each['endpoint']} in {each['vpc']} would carry for nothing."
        )
    return lines
