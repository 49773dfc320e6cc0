"""The gateway's share of a decision: policies gathered, context put together, the engine asked.

Run: PYTHONPATH=src:. python bench/policy_gateway.py

A whole Casemate in this process, no request on the wire: `Authorizer.decide` as the pipeline calls it, for GetItem by
the account's administrator from the laptop and by a role's session through a gateway endpoint; an SCP with the
perimeter's conditions binds both.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.support.direct import DirectCloud

from casemate.app import MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT, House, Options
from casemate.gateway.authorization import Situation
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.context_keys import request_keys
from casemate.gateway.data_directory import DataDirectory
from casemate.model.origin import EndpointOrigin, InternetOrigin, Origin
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.service import Check

REGION = "us-east-2"
TABLE = f"arn:aws:dynamodb:{REGION}:{WORKLOAD_ACCOUNT}:table/orders-"
ROUNDS = 30
PER_ROUND = 400


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What was built: callers, and where they call from."""

    administrator: Principal
    session: Principal
    endpoint: EndpointOrigin


def build(house: House) -> World:
    """A VPC with a gateway endpoint and its policy, a role, and the perimeter's SCP on the account."""
    pipeline = house.pipeline
    services = pipeline._services  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - builds its world without the wire
    store = pipeline._store  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
    cloud = DirectCloud(store, *(services[name] for name in ("ec2", "iam", "organizations")))
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    reads = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE + "*"}
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.dynamodb",
        PolicyDocument=document({**reads, "Principal": "*"}),
    )["VpcEndpoint"]["VpcEndpointId"]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="orders", AssumeRolePolicyDocument=document(trust))["Role"]
    iam.attach_role_policy(
        RoleName="orders",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
    )
    iam.put_role_policy(RoleName="orders", PolicyName="reads", PolicyDocument=document(reads))
    perimeter = {
        "Sid": "DenyDynamoDBOutsideVPC",
        "Effect": "Deny",
        "Action": "dynamodb:*",
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:SourceVpc": vpc},
            "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{WORKLOAD_ACCOUNT}:user/admin"},
        },
    }
    organizations = cloud.client("organizations", account=MANAGEMENT_ACCOUNT)
    scp = organizations.create_policy(
        Name="perimeter",
        Description="bench",
        Type="SERVICE_CONTROL_POLICY",
        Content=document(perimeter),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=scp, TargetId=WORKLOAD_ACCOUNT)
    return World(
        administrator=Principal(
            kind=PrincipalKind.USER,
            arn=f"arn:aws:iam::{WORKLOAD_ACCOUNT}:user/admin",
            account=WORKLOAD_ACCOUNT,
            user_id="AIDAEXAMPLEEXAMPLE001",
            user_name="admin",
        ),
        session=Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=f"arn:aws:sts::{WORKLOAD_ACCOUNT}:assumed-role/orders/orders",
            account=WORKLOAD_ACCOUNT,
            user_id=f"{role['RoleId']}:orders",
            role_arn=role["Arn"],
            session_name="orders",
        ),
        endpoint=EndpointOrigin(
            vpc_id=vpc,
            endpoint_id=endpoint,
            endpoint_account=WORKLOAD_ACCOUNT,
            address=IPv4Address("10.0.1.7"),
        ),
    )


def decider(house: House, principal: Principal, origin: Origin) -> Callable[[int, bool], None]:
    """Decides GetItem on the first table (again) or on the table of that number (new), as the pipeline would."""
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    authorizer = house.authorizer

    def decide(number: int, new: bool) -> None:  # noqa: FBT001 - one flag of a closure
        situation = Situation(
            service="dynamodb",
            region=REGION,
            principal=principal,
            origin=origin,
            request=request_keys(region=REGION, now=now, tls=True, user_agent="bench"),
        )
        table, key = (f"{TABLE}{number}", str(number)) if new else (TABLE + "0", "0")
        decision = authorizer.decide(
            situation,
            Check(action="dynamodb:GetItem", resource=table, context={"dynamodb:LeadingKeys": (key,)}),
        )
        assert decision.allowed, decision.message

    return decide


def measure(name: str, decide: Callable[[int, bool], None], *, new: bool) -> None:
    samples: list[float] = []
    number = 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(PER_ROUND):
            decide(number, new)
            number += 1
        samples.append((time.perf_counter() - start) / PER_ROUND * 1e6)
    print(f"{name:<56} median {statistics.median(samples):6.1f} us   best {min(samples):6.1f} us")


async def main() -> None:
    print(f"python {sys.version.split()[0]}; Authorizer.decide, dynamodb:GetItem")
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as name:
        path = Path(name)
        directory = DataDirectory(path)
        directory.acquire()
        options = Options(port=0, data=path, ephemeral=True, dataplane="off")
        house = House(options, directory, CertificateAuthority(path / "ca"))
        await house.open()
        try:
            compare(house)
        finally:
            await house.close()
            directory.release()


def compare(house: House) -> None:
    world = build(house)
    gc.freeze()
    laptop = InternetOrigin(address=IPv4Address("203.0.113.9"))
    callers = [
        ("administrator, laptop", world.administrator, laptop),
        ("role session, gateway endpoint with a policy", world.session, world.endpoint),
    ]
    for label, principal, origin in callers:
        decide = decider(house, principal, origin)
        measure(f"{label}, again", decide, new=False)
        measure(f"{label}, new", decide, new=True)


if __name__ == "__main__":
    asyncio.run(main())
