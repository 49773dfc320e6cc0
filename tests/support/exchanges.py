"""Finished exchanges, as the pipeline leaves them, for tests of what comes after it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.exchange import Exchange
from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import Decision, Reason
from casemate.servicekit.constraints import models
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.parser import ParsedRequest

ACCOUNT = "000000000000"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ADMIN = Principal(
    kind=PrincipalKind.USER,
    arn=f"arn:aws:iam::{ACCOUNT}:user/admin",
    account=ACCOUNT,
    user_id="AIDAEXAMPLE0000000000",
    user_name="admin",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
)
_LOCALHOST = IPv4Address("127.0.0.1")
_LAPTOP = Arrival(
    side=Side.LAPTOP, vpc_id=None, peer=_LOCALHOST, destination=_LOCALHOST, port=4566, tls=False
)
_counter = itertools.count(1)


def exchange(
    service: str = "dynamodb",
    operation: str = "ListTables",
    *,
    params: dict[str, Any] | None = None,
    resource: str = "*",
    arrival: Arrival = _LAPTOP,
    **changes: Any,
) -> Exchange:
    """One request of the administrator, allowed and answered."""
    model = models().get(service)
    shape = model.operation_model(operation)
    done = Exchange(
        request=HttpRequest(
            method="POST", path="/", query="", headers=Headers([("User-Agent", "test")]), body=b""
        ),
        arrival=arrival,
        request_id=f"request-{next(_counter):04}",
        now=NOW,
        service_name=service,
        region="us-east-2",
        model=model,
        parsed=ParsedRequest(operation=shape, params=params or {}, protocol=str(model.metadata["protocol"])),
        principal=ADMIN,
        decisions=[
            Decision(
                allowed=True,
                reason=Reason.ALLOWED,
                principal=ADMIN.arn,
                action=f"{service}:{operation}",
                resource=resource,
            )
        ],
    )
    for name, value in changes.items():
        setattr(done, name, value)
    return done
