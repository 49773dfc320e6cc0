"""Operations that are not implemented: authorized as if they were, then refused."""

from __future__ import annotations

from collections.abc import Iterator

from casemate.gateway.action_names import asked_actions, iam_prefix
from casemate.gateway.exchange import Exchange
from casemate.gateway.reference_checks import reference_checks
from casemate.model.errors import AwsError
from casemate.servicekit.service import Check


def iam_prefix_of(exchange: Exchange) -> str:
    """Of the service's actions."""
    if exchange.service is not None:
        return exchange.service.operations.iam_prefix
    return iam_prefix(str(exchange.model.signing_name))


def missing_checks(exchange: Exchange) -> Iterator[Check]:
    """What a request for an operation that is not implemented is authorized on."""
    assert exchange.principal is not None
    account, region, request = exchange.principal.account, exchange.region, exchange.request
    for asked in asked_actions(
        iam_prefix_of(exchange),
        exchange.operation_name,
        exchange.params,
        method=request.method,
        path=request.path,
        region=region,
    ):
        if asked.resource:
            yield Check(action=asked.action, resource=asked.resource)
        else:
            yield from reference_checks(asked.action, asked.params, region=region, account=account)


def require_implemented(exchange: Exchange) -> None:
    """NotImplemented, with the reason where there is one, unless it is."""
    if exchange.operation is not None:
        return
    service = exchange.service
    reason = service.operations.refusals.get(exchange.operation_name) if service else None
    text = f"Casemate does not implement {exchange.service_name}:{exchange.operation_name}"
    text += f": {reason}" if reason else "; see docs/coverage.md"
    raise AwsError("NotImplemented", text, http_status=501, fault="server")
