"""Policies, principals and case tables for the tests of `casemate.policy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.parser import parse_policy
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

TABLES = Path(__file__).parents[1] / "conformance" / "policy"
ACCOUNT = "000000000000"
OTHER = "222222222222"
TABLE = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-role"
FULL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def cases(name: str) -> list[Any]:
    """The cases of one table; the name of a case is its test id."""
    loaded: list[dict[str, Any]] = json.loads((TABLES / name).read_text())
    assert all(case["name"] and case["source"] for case in loaded)
    return loaded


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def policy(
    *statements: dict[str, Any],
    kind: PolicyType = PolicyType.IDENTITY,
    label: str = "inline:test",
    version: str = "2012-10-17",
) -> Policy:
    return parse_policy(document(*statements, version=version), kind=kind, label=label)


def user(account: str = ACCOUNT, **changes: Any) -> Principal:
    return Principal(
        **{
            "kind": PrincipalKind.USER,
            "arn": f"arn:aws:iam::{account}:user/ann",
            "account": account,
            "user_id": "AIDAANNANNANNANNANN01",
            "user_name": "ann",
            **changes,
        }
    )


def role(account: str = ACCOUNT, **changes: Any) -> Principal:
    return Principal(
        **{
            "kind": PrincipalKind.ROLE_SESSION,
            "arn": f"arn:aws:sts::{account}:assumed-role/orders-role/orders",
            "account": account,
            "user_id": "AROAORDERSORDERSORD01:orders",
            "role_arn": f"arn:aws:iam::{account}:role/orders-role",
            "session_name": "orders",
            **changes,
        }
    )


def root(account: str = ACCOUNT) -> Principal:
    return Principal(
        kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{account}:root", account=account, user_id=account
    )


def federated(account: str = ACCOUNT, **changes: Any) -> Principal:
    return Principal(
        **{
            "kind": PrincipalKind.FEDERATED_USER,
            "arn": f"arn:aws:sts::{account}:federated-user/fay",
            "account": account,
            "user_id": f"{account}:fay",
            "issuer_user_name": "ann",
            "issuer_arn": f"arn:aws:iam::{account}:user/ann",
            **changes,
        }
    )


def service(name: str = "lambda.amazonaws.com") -> Principal:
    return Principal(kind=PrincipalKind.SERVICE, arn=name, account=ACCOUNT, user_id=name)


def anonymous() -> Principal:
    return Principal(kind=PrincipalKind.ANONYMOUS, arn="*", account="", user_id="")


PRINCIPALS = {
    "user": user(),
    "role": role(),
    "root": root(),
    "federated": federated(),
    "service": service(),
    "anonymous": anonymous(),
    "service-linked": role(
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/x",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        is_service_linked=True,
    ),
    "break-glass": role(
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/break-glass/eve",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/break-glass",
        user_id="AROABREAKBREAKBREAK01:eve",
    ),
    "other-user": user(OTHER),
    "other-role": role(OTHER),
    "other-root": root(OTHER),
}


def context_of(given: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def request_of(given: dict[str, Any]) -> AuthorizationRequest:
    principal = PRINCIPALS[given["principal"]]
    context = context_of(given.get("context", {}))
    if principal.kind not in {PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS}:
        context.setdefault("aws:PrincipalArn", principal.identity_arn)
    return AuthorizationRequest(
        principal=principal,
        action=given.get("action", "dynamodb:GetItem"),
        resource=given.get("resource", TABLE),
        resource_account=given.get("resource_account", ACCOUNT),
        context=context,
    )


def _statements(given: Any, kind: PolicyType) -> list[dict[str, Any]]:
    """`"full"` and single statements for short, with `Principal: *` where the type needs one."""
    found = [FULL if item == "full" else item for item in (given if isinstance(given, list) else [given])]
    needs = kind in {PolicyType.RESOURCE, PolicyType.ENDPOINT, PolicyType.TRUST, PolicyType.RCP}
    return [{"Principal": "*", **item} if needs and "NotPrincipal" not in item else item for item in found]


def _policy(given: Any, kind: PolicyType, label: str) -> Policy | None:
    return None if given is None else policy(*_statements(given, kind), kind=kind, label=label)


def _levels(given: list[Any], kind: PolicyType, name: str) -> tuple[PolicyLevel, ...]:
    """A list of levels, each a list of policies, each a statement or a list of them."""
    prefix = f"arn:aws:organizations::111111111111:policy/o-casemate01/{name}"
    levels: list[PolicyLevel] = []
    for depth, policies in enumerate(given):
        made = [_policy(item, kind, f"{prefix}/p-{depth}{index}") for index, item in enumerate(policies)]
        levels.append(
            PolicyLevel(target_id=f"level-{depth}", policies=tuple(item for item in made if item is not None))
        )
    return tuple(levels)


def policies_of(given: dict[str, Any]) -> PolicySet:
    kind = PolicyType.TRUST if "trust" in given else PolicyType.RESOURCE
    return PolicySet(
        identity=tuple(
            policy(*_statements(item, PolicyType.IDENTITY), label=f"arn:aws:iam::{ACCOUNT}:policy/p{index}")
            for index, item in enumerate(given.get("identity", []))
        ),
        boundary=_policy(
            given.get("boundary"), PolicyType.BOUNDARY, f"arn:aws:iam::{ACCOUNT}:policy/boundary"
        ),
        session=tuple(
            policy(*_statements(item, PolicyType.SESSION), kind=PolicyType.SESSION, label="session")
            for item in given.get("session", [])
        ),
        scps=_levels(given.get("scps", []), PolicyType.SCP, "service_control_policy"),
        rcps=_levels(given.get("rcps", []), PolicyType.RCP, "resource_control_policy"),
        endpoint=_policy(given.get("endpoint"), PolicyType.ENDPOINT, "vpce-0a1b2c3d4e5f60718"),
        endpoint_is_gateway=given.get("endpoint_is_gateway", False),
        resource=_policy(given.get("trust", given.get("resource_policy")), kind, "policy of the resource"),
        resource_type=kind,
        resource_must_allow=given.get("resource_must_allow", "trust" in given),
    )
