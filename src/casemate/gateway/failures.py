"""Encoded authorization messages: what EC2 adds to a refusal, for sts:DecodeAuthorizationMessage to read.

"The message is encoded because the details of the authorization status can contain privileged information that the
user who requested the operation should not see" (STS API Reference, DecodeAuthorizationMessage). So it is encrypted,
not only encoded, with a key that never leaves the data directory; the form of the decoded text is the one AWS shows in
"Why can't I launch an instance with `You are not authorized`" (re:Post) and in IAM's troubleshooting pages.
"""

from __future__ import annotations

import json
import os
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casemate.model.principals import Principal
from casemate.policy.decision import Decision, Outcome, Reason
from casemate.policy.document import PrincipalSpec, Statement
from casemate.policy.request import AuthorizationRequest, PolicySet

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealedMessages:
    """Makes encoded messages and reads them. Implements the port `AuthorizationMessages`."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, content: Mapping[str, Any], account: str) -> str:
        """An opaque text that only `open` for the same account reads."""
        nonce = os.urandom(_NONCE_BYTES)
        packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)
        sealed = self._cipher.encrypt(nonce, packed, account.encode())
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, message: str, account: str) -> str | None:
        """The decoded text; None for what is no message, was changed, or is about a caller of another account."""
        try:
            raw = urlsafe_b64decode(message + "=" * (-len(message) % 4))
            packed = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], account.encode())
        except (ValueError, InvalidTag):
            return None
        return zlib.decompress(packed).decode()


def failure(request: AuthorizationRequest, policies: PolicySet, decision: Decision) -> dict[str, Any]:
    """The decoded form of a refusal, in AWS's members."""
    explicit = decision.reason is Reason.EXPLICIT_DENY
    matched = [
        statement
        for layer in decision.layers
        for statement in layer.statements
        if statement.applied and statement.effect is Outcome.EXPLICIT_DENY
    ]
    known = {(policy, one.index): one for policy, one in _statements(policies)}
    return {
        "allowed": False,
        "explicitDeny": explicit,
        "matchedStatements": _items(
            _statement(known[trace.policy, trace.index], request.principal) for trace in matched
        ),
        "failures": _items(()),
        "context": {
            "principal": _principal(request.principal),
            "action": request.action,
            "resource": request.resource,
            "conditions": _items(
                {"key": key, "values": _values((value,) if isinstance(value, str) else value)}
                for key, value in sorted(request.context.items())
            ),
        },
    }


def _statements(policies: PolicySet) -> Iterable[tuple[str, Statement]]:
    """Every statement of the set, with the label of its policy."""
    levels = (*policies.scps, *policies.rcps)
    single = (policies.boundary, policies.endpoint, policies.resource)
    groups = (*(level.policies for level in levels), policies.identity, policies.session, single)
    for policy in (one for group in groups for one in group if one is not None):
        for statement in policy.statements:
            yield policy.label, statement


def _statement(statement: Statement, principal: Principal) -> dict[str, Any]:
    shown = {
        "statementId": statement.sid or "",
        "effect": "DENY" if statement.effect == "Deny" else "ALLOW",
        # Of a policy without a Principal element it is the identity it is attached to.
        "principals": _values(_names(statement.principal) or (principal.user_id.partition(":")[0],)),
        "principalGroups": _items(()),
        "actions": _values(statement.actions),
        "resources": _values(statement.resources),
        "conditions": _items(
            {"operator": clause.operator, "key": clause.key, "values": _values(clause.values)}
            for clause in statement.conditions
        ),
    }
    if statement.not_actions:
        shown["notActions"] = _values(statement.not_actions)
    if statement.not_resources:
        shown["notResources"] = _values(statement.not_resources)
    return shown


def _names(spec: PrincipalSpec | None) -> tuple[str, ...]:
    if spec is None:
        return ()
    return ("*",) if spec.everyone else (*spec.aws, *spec.service, *spec.federated, *spec.canonical)


def _principal(principal: Principal) -> dict[str, str]:
    name = principal.user_name or principal.arn.rpartition("/")[2]
    return {"id": principal.user_id, "name": name, "arn": principal.arn}


def _values(values: Iterable[str]) -> dict[str, Any]:
    return _items({"value": value} for value in values)


def _items(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"items": list(items)}
