"""Policy decisions per second: the reference architecture's request through five policies, trace included.

Run: PYTHONPATH=src python bench/policy.py
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

TABLE = "arn:aws:dynamodb:us-east-2:000000000000:table/orders"
ROLE = "arn:aws:iam::000000000000:role/orders-role"


def policy(kind: PolicyType, label: str, *statements: dict[str, object]) -> Policy:
    return parse_policy(
        json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=kind, label=label
    )


FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OUTSIDE = {
    "Sid": "DenyDynamoDBOutsideVPC",
    "Effect": "Deny",
    "Action": "dynamodb:*",
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:SourceVpc": "vpc-0a1b2c3d4e5f60718"},
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break-glass"},
    },
}
ORDERS = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE}
LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:PutLogEvents"], "Resource": "*"}

POLICIES = PolicySet(
    scps=(
        PolicyLevel(target_id="r-root", policies=(policy(PolicyType.SCP, "FullAWSAccess", FULL),)),
        PolicyLevel(
            target_id="000000000000",
            policies=(
                policy(PolicyType.SCP, "FullAWSAccess", FULL),
                policy(PolicyType.SCP, "perimeter", OUTSIDE),
            ),
        ),
    ),
    endpoint=policy(PolicyType.ENDPOINT, "vpce-1", {**ORDERS, "Principal": "*"}),
    identity=(policy(PolicyType.IDENTITY, "inline", ORDERS), policy(PolicyType.IDENTITY, "managed", LOGS)),
)
PRINCIPAL = Principal(
    kind=PrincipalKind.ROLE_SESSION,
    arn="arn:aws:sts::000000000000:assumed-role/orders-role/orders",
    account="000000000000",
    user_id="AROAEXAMPLEEXAMPLE001:orders",
    role_arn=ROLE,
    session_name="orders",
)


def request(*, leading_key: str = "o-1", vpc: str | None = "vpc-0a1b2c3d4e5f60718") -> AuthorizationRequest:
    context: dict[str, str | tuple[str, ...]] = {
        "aws:PrincipalArn": ROLE,
        "aws:PrincipalAccount": "000000000000",
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalOrgID": "o-casemate01",
        "aws:PrincipalOrgPaths": ("o-casemate01/r-root/000000000000/",),
        "aws:userid": "AROAEXAMPLEEXAMPLE001:orders",
        "aws:RequestedRegion": "us-east-2",
        "aws:SecureTransport": "true",
        "aws:CurrentTime": "2026-11-21T09:00:00Z",
        "aws:EpochTime": "1795251600",
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        "aws:ResourceAccount": "000000000000",
        "aws:ResourceOrgID": "o-casemate01",
        "lambda:SourceFunctionArn": "arn:aws:lambda:us-east-2:000000000000:function:orders",
        "dynamodb:LeadingKeys": (leading_key,),
    }
    if vpc:
        context |= {"aws:SourceVpc": vpc, "aws:SourceVpce": "vpce-1", "aws:VpcSourceIp": "10.0.1.7"}
    else:
        context["aws:SourceIp"] = "203.0.113.9"
    return AuthorizationRequest(
        principal=PRINCIPAL,
        action="dynamodb:GetItem",
        resource=TABLE,
        resource_account="000000000000",
        context=context,
    )


def measure(name: str, ask: Callable[[int], object], *, rounds: int = 200, batch: int = 100) -> None:
    samples: list[float] = []
    number = 0
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(batch):
            ask(number)
            number += 1
        samples.append((time.perf_counter() - start) / batch * 1e6)
    print(
        f"{name:<48} median {statistics.median(samples):6.1f} us  p90 {sorted(samples)[rounds * 9 // 10]:6.1f} us"
    )


def main() -> None:
    print(f"python {sys.version.split()[0]}")
    inside, outside = request(), request(vpc=None)
    assert evaluate(inside, POLICIES).allowed
    assert not evaluate(outside, POLICIES).allowed
    measure("allowed, through the endpoint", lambda _: evaluate(inside, POLICIES))
    measure("refused by the SCP, message included", lambda _: evaluate(outside, POLICIES))
    conditioned = PolicySet(
        scps=POLICIES.scps,
        endpoint=POLICIES.endpoint,
        identity=(
            policy(
                PolicyType.IDENTITY,
                "leading keys",
                {**ORDERS, "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "o-*"}}},
            ),
        ),
    )
    varying = [request(leading_key=f"o-{number}") for number in range(20_000)]
    measure("allowed, a key never seen before each time", lambda n: evaluate(varying[n], conditioned))
    measure("request built and decided", lambda _: evaluate(request(), POLICIES))


if __name__ == "__main__":
    main()
