"""A Casemate in this process and the requests of its one user, as bytes on a connection would be: signed, then handled."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from casemate.app import WORKLOAD_ACCOUNT, House, Options
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory
from casemate.wire.http import Headers, HttpRequest, HttpResponse
from tests.support.direct import DirectCloud

HOST = "127.0.0.1:4566"
LOCAL = IPv4Address("127.0.0.1")
ARRIVAL = Arrival(side=Side.LAPTOP, vpc_id=None, peer=LOCAL, destination=LOCAL, port=4566, tls=False)
TABLE = f"arn:aws:dynamodb:us-east-2:{WORKLOAD_ACCOUNT}:table/orders"


def policy(forbidden: str) -> str:
    """Everything on the table, but one partition is forbidden, and nothing is allowed before 2020."""
    conditions = {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": conditions}
    leading = {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": [forbidden]}}
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": TABLE, "Condition": leading}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})


class Life:
    """One Casemate and the requests of its user."""

    def __init__(self, house: House, runner: asyncio.Runner, *, readmits: bool) -> None:
        self.house = house
        self.runner = runner
        self.pipeline = house.pipeline
        self.readmitted = 0
        services = house.pipeline._services  # pyright: ignore[reportPrivateUsage]
        store = house.pipeline._store  # pyright: ignore[reportPrivateUsage]
        cloud = self.cloud = DirectCloud(
            store, *(services[name] for name in ("iam", "dynamodb", "organizations", "ec2"))
        )
        self.iam = cloud.client("iam")
        self.iam.create_user(UserName="user")
        self.forbid("nothing")
        rest = policy("nothing").replace("dynamodb:", "lambda:")
        self.iam.put_user_policy(UserName="user", PolicyName="rest", PolicyDocument=rest)
        key = self.iam.create_access_key(UserName="user")["AccessKey"]
        self.credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        cloud.client("dynamodb").create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        readmission: Any = house.pipeline._readmission  # pyright: ignore[reportPrivateUsage]
        admit = readmission.admit

        def counted(*arguments: Any, **more: Any) -> Any:
            found = admit(*arguments, **more) if readmits else None
            self.readmitted += found is not None
            return found

        readmission.admit = counted

    def forbid(self, partition: str) -> None:
        self.iam.put_user_policy(UserName="user", PolicyName="p", PolicyDocument=policy(partition))

    def request(self, operation: str, params: dict[str, Any], service: str = "dynamodb") -> HttpRequest:
        """With DynamoDB's target, signed for `service`."""
        target = f"DynamoDB_20120810.{operation}"
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target, "User-Agent": "test"}
        body = json.dumps(params).encode()
        signed = AWSRequest("POST", f"http://{HOST}/", headers, body)
        SigV4Auth(self.credentials, service, "us-east-2").add_auth(signed)
        pairs = [(name, str(value)) for name, value in signed.headers.items()]
        return HttpRequest(method="POST", path="/", headers=Headers([*pairs, ("Host", HOST)]), body=body)

    def rest_request(self, method: str, path: str, body: bytes, **headers: str) -> HttpRequest:
        """To Lambda, whose paths name its operations."""
        signed = AWSRequest(method, f"http://{HOST}{path}", {"User-Agent": "test", **headers}, body)
        SigV4Auth(self.credentials, "lambda", "us-east-2").add_auth(signed)
        pairs = [(name, str(value)) for name, value in signed.headers.items()]
        path, _, query = path.partition("?")
        everything = Headers([*pairs, ("Host", HOST)])
        return HttpRequest(method=method, path=path, query=query, headers=everything, body=body)

    def rest(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[Any, ...]:
        """As `call`."""
        return self._seen(self.rest_request(method, path, body, **headers))

    def call(self, operation: str, params: dict[str, Any], service: str = "dynamodb") -> tuple[Any, ...]:
        """Status, headers, body, event and decisions, without what is different in any two requests."""
        return self._seen(self.request(operation, params, service))

    def _seen(self, request: HttpRequest) -> tuple[Any, ...]:
        response: HttpResponse = self.runner.run(self._handle(request))
        kept = dict(response.headers)
        found = self.house.journal.find(kept["x-amzn-RequestId"])
        assert found is not None
        event = {
            name: value
            for name, value in found.event.items()
            if name not in ("eventTime", "requestID", "eventID", "userIdentity")
        }
        return (
            response.status,
            kept.keys(),
            response.body,
            event,
            [_comparable(one) for one in found.decisions],
        )

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        """As a connection does: at once where that is possible."""
        answer: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        if self.pipeline.answer_at_once(request, ARRIVAL, answer.set_result):
            return await answer
        return await self.pipeline.handle(request, ARRIVAL)


def _comparable(decision: Any) -> Any:
    """Times differ between the two; all else of a trace must not."""
    return (decision.allowed, decision.reason, decision.action, decision.resource, decision.decided_by,
            decision.message, [(layer.type, layer.outcome) for layer in decision.layers])  # fmt: skip


@contextmanager
def life(*, readmits: bool) -> Iterator[Life]:
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        path = Path(name)
        directory = DataDirectory(path)
        directory.acquire()
        options = Options(port=0, data=path, ephemeral=True, dataplane="off")
        house = House(options, directory, CertificateAuthority(path / "ca"))
        runner.run(house.open())
        try:
            yield Life(house, runner, readmits=readmits)
        finally:
            runner.run(house.close())
            directory.release()
