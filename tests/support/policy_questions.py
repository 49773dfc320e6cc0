"""Random requests and sets of policies, dense enough that patterns, names and conditions often meet."""

from __future__ import annotations

import random
from typing import Any

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet
from tests.support.policy import ACCOUNT, OTHER, PRINCIPALS, TABLE, policy

ACTIONS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DescribeTable", "s3:GetObject", "kms:Decrypt"]
ACTION_PATTERNS = [*ACTIONS, "*", "dynamodb:*", "dynamodb:*Item", "DynamoDB:get?tem", "s3:*", "dynamodb:Get*"]
RESOURCES = [
    TABLE,
    TABLE + "/index/by-date",
    TABLE.replace("orders", "invoices"),
    TABLE.replace("us-east-2", "eu-west-1"),
    "arn:aws:s3:::logs/ann/a:b",
    f"arn:aws:lambda:us-east-2:{ACCOUNT}:function:orders",
    "*",
]
RESOURCE_PATTERNS = [
    *RESOURCES[:-1],
    "*",
    "arn:aws:dynamodb:*:*:table/orders*",
    "arn:aws:dynamodb:us-*:000000000000:table/*",
    "arn:aws:lambda:*:orders",
    "arn:aws:lambda:us-east-2:0*:orders",
    "arn:aws:s3:::logs/${aws:username}/*",
    "arn:aws:dynamodb:us-east-2:000000000000:table/${aws:PrincipalTag/table, 'orders'}",
    "arn:aws:dynamodb",
    "arn:aws:s3:::l?gs/*",
]
KEYS: dict[str, list[Any]] = {
    "aws:SourceVpc": ["vpc-1", "vpc-2"],
    "aws:SourceVpce": ["vpce-1"],
    "aws:SourceIp": ["203.0.113.9", "198.51.100.1", "2001:db8::1"],
    "aws:PrincipalArn": [
        f"arn:aws:iam::{ACCOUNT}:role/orders-role",
        f"arn:aws:iam::{ACCOUNT}:role/break-glass",
    ],
    "aws:SecureTransport": ["true", "false"],
    "aws:username": ["ann", "bob"],
    "aws:PrincipalTag/table": ["orders", "invoices"],
    "aws:MultiFactorAuthAge": ["10", "4000"],
    "aws:PrincipalOrgPaths": [("o-1/r-1/ou-1/",), ("o-2/r-2/", "o-1/r-1/"), ()],
    "dynamodb:LeadingKeys": [("ann",), ("ann", "bob"), ("bob",)],
}
CLAUSES: list[tuple[str, str, Any]] = [
    ("String{}Equals", "aws:SourceVpc", ["vpc-1"]),
    ("String{}Equals", "AWS:sourcevpc", ["vpc-1", "vpc-2"]),
    ("String{}Like", "aws:SourceVpce", "vpce-*"),
    ("String{}EqualsIgnoreCase", "aws:username", "ANN"),
    ("String{}Equals", "dynamodb:LeadingKeys", "${aws:username}"),
    ("String{}Like", "aws:PrincipalOrgPaths", ["o-1/*", "o-3/*"]),
    ("Arn{}Like", "aws:PrincipalArn", "arn:aws:iam::*:role/break-*"),
    ("Arn{}Equals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/orders-role"),
    ("{}IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:db8::/32"]),
    ("Bool", "aws:SecureTransport", "false"),
    ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
    ("Numeric{}Equals", "aws:MultiFactorAuthAge", "10"),
    ("Null", "aws:SourceVpc", "true"),
    ("Null", "aws:PrincipalOrgPaths", "false"),
]
NAMES = [
    "*",
    {"AWS": "*"},
    {"AWS": ACCOUNT},
    {"AWS": f"arn:aws:iam::{OTHER}:root"},
    {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{ACCOUNT}:root"]},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:role/orders-role"},
    {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-role/orders"},
    {
        "AWS": [
            f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-role/orders",
            f"arn:aws:iam::{ACCOUNT}:role/orders-role",
            ACCOUNT,
        ]
    },
    {"AWS": f"arn:aws:iam::{OTHER}:role/orders-role"},
    {"AWS": f"arn:aws:sts::{ACCOUNT}:federated-user/fay"},
    {"Service": "lambda.amazonaws.com"},
]


def some(rng: random.Random, items: list[Any], most: int = 2) -> list[Any]:
    return rng.sample(items, rng.randint(1, most))


def random_conditions(rng: random.Random) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for name, key, values in rng.sample(CLAUSES, rng.choice([0, 0, 1, 1, 2])):
        operator = name.format(rng.choice(["", "Not"]))
        if operator != "Null":
            operator = rng.choice(["", "", "ForAllValues:", "ForAnyValue:"]) + operator
            operator += rng.choice(["", "", "IfExists"])
        block.setdefault(operator, {})[key] = values
    return block


def random_statement(rng: random.Random, kind: PolicyType, *, allow: float = 0.65) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow" if rng.random() < allow else "Deny",
        rng.choice(["Action", "Action", "Action", "NotAction"]): some(rng, ACTION_PATTERNS),
        rng.choice(["Resource", "Resource", "Resource", "NotResource"]): some(rng, RESOURCE_PATTERNS),
    }
    conditions = random_conditions(rng)
    if conditions:
        statement["Condition"] = conditions
    if kind in {PolicyType.RESOURCE, PolicyType.ENDPOINT}:
        statement[rng.choice(["Principal"] * 5 + ["NotPrincipal"])] = rng.choice(NAMES)
    return statement


def random_policy(rng: random.Random, kind: PolicyType, *, allow: float = 0.65) -> Policy:
    if kind is PolicyType.RCP:
        statement = random_statement(rng, PolicyType.IDENTITY)
        action = statement.pop("NotAction", None) or statement.pop("Action")
        statement |= {
            "Effect": "Deny",
            "Principal": "*",
            "Action": [name if name != "*" else "kms:*" for name in action],
        }
        return policy(statement, kind=kind, label="rcp")
    made = [random_statement(rng, kind, allow=allow) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.5:
        full = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        needs = kind in {PolicyType.RESOURCE, PolicyType.ENDPOINT}
        made.append({**full, "Principal": rng.choice(NAMES)} if needs else full)
    return policy(*made, kind=kind, label=f"{kind.value} {rng.random()}")


def levels(rng: random.Random, kind: PolicyType) -> tuple[PolicyLevel, ...]:
    full = policy({"Effect": "Allow", "Action": "*", "Resource": "*"}, kind=PolicyType.SCP, label="full")
    return tuple(
        PolicyLevel(
            target_id=f"level-{depth}",
            policies=(
                *((full,) if kind is PolicyType.SCP and rng.random() < 0.8 else ()),
                *(random_policy(rng, kind) for _ in range(rng.randint(0, 1))),
            ),
        )
        for depth in range(rng.choice([0, 1, 2]))
    )


def random_set(rng: random.Random) -> PolicySet:
    def maybe(kind: PolicyType, chance: float) -> Policy | None:
        return random_policy(rng, kind) if rng.random() < chance else None

    return PolicySet(
        identity=tuple(random_policy(rng, PolicyType.IDENTITY, allow=0.8) for _ in range(rng.randint(0, 2))),
        boundary=maybe(PolicyType.BOUNDARY, 0.25),
        session=tuple(random_policy(rng, PolicyType.SESSION) for _ in range(rng.choice([0, 0, 1, 2]))),
        scps=levels(rng, PolicyType.SCP) if rng.random() < 0.4 else (),
        rcps=levels(rng, PolicyType.RCP) if rng.random() < 0.3 else (),
        endpoint=maybe(PolicyType.ENDPOINT, 0.3),
        resource=maybe(PolicyType.RESOURCE, 0.6),
        resource_must_allow=rng.random() < 0.1,
    )


def random_request(rng: random.Random) -> AuthorizationRequest:
    return AuthorizationRequest(
        principal=PRINCIPALS[rng.choice(sorted(PRINCIPALS))],
        action=rng.choice(ACTIONS),
        resource=rng.choice(RESOURCES),
        resource_account=ACCOUNT,
        context={key: rng.choice(values) for key, values in KEYS.items() if rng.random() < 0.6},
    )
