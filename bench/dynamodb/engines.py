"""Who is measured: Casemate as a user has it, and the other engines that can be had from the package registries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from bench import peers
from bench.dynamodb.requests import REGION, TABLE
from bench.peers import Peer

WORKLOAD, MANAGEMENT = "000000000000", "111111111111"


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """One of them."""

    name: str
    start: Callable[[Path], Peer]
    durable: bool = False
    """Whether an acknowledged write is on disk."""


ENGINES = (
    Engine(name="casemate", start=peers.casemate, durable=True),
    Engine(name="dynoxide disk", start=peers.dynoxide, durable=True),
    Engine(name="dynalite disk", start=lambda directory: peers.dynalite(directory, disk=True)),
    Engine(name="dynalite", start=lambda directory: peers.dynalite(directory, disk=False)),
    Engine(name="ministack", start=peers.ministack),
    Engine(name="moto", start=peers.moto),
)


def client(peer: Peer, service: str, *, key: str | None = None, secret: str | None = None):
    return boto3.client(
        service,
        endpoint_url=peer.endpoint,
        region_name=REGION,
        aws_access_key_id=key or peer.key,
        aws_secret_access_key=secret or peer.secret,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
    )


def prepare(peer: Peer, directory: Path) -> None:
    """Make the table; on Casemate, let a user of few rights ask, under a perimeter."""
    client(peer, "dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    if peer.name == "casemate":
        _restrict(peer, directory)


def _restrict(peer: Peer, directory: Path) -> None:
    """A user allowed six actions on one table, and a service control policy whose conditions every request meets."""
    iam = client(peer, "iam")
    iam.create_user(UserName="bench")
    table = f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{TABLE}"
    actions = ("PutItem", "GetItem", "Query", "BatchWriteItem", "UpdateItem", "DescribeTable")
    allow = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in actions],
        "Resource": table,
        "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    }
    iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=_document(allow))
    management = json.loads((directory / "credentials.json").read_text())[MANAGEMENT]
    organizations = client(
        peer, "organizations", key=management["access_key_id"], secret=management["secret_access_key"]
    )
    perimeter = {
        "Sid": "DenyDynamoDBOutsideVPC",
        "Effect": "Deny",
        "Action": "dynamodb:*",
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"},
            "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{WORKLOAD}:user/bench"},
        },
    }
    policy = organizations.create_policy(
        Name="perimeter", Description="bench", Type="SERVICE_CONTROL_POLICY", Content=_document(perimeter)
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    made = iam.create_access_key(UserName="bench")["AccessKey"]
    peer.key, peer.secret = made["AccessKeyId"], made["SecretAccessKey"]


def _document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
