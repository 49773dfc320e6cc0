"""A Casemate in this process and the requests of its one user, as bytes on a connection would be: signed, then handled."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from casemate.app import WORKLOAD_ACCOUNT, House, Options
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.whole_request import whole_request
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
        self.repeated = 0
        """Of those readmitted, the ones whose head was not read."""
        readmission: Any = house.pipeline._readmission  # pyright: ignore[reportPrivateUsage]
        admit, repeat = readmission.admit, readmission.repeat

        def counted(*arguments: Any, **more: Any) -> Any:
            found = admit(*arguments, **more) if readmits else None
            self.readmitted += found is not None
            return found

        def counted_again(*arguments: Any) -> Any:
            found = repeat(*arguments)
            self.readmitted += found is not None
            self.repeated += found is not None
            return found

        readmission.admit, readmission.repeat = counted, counted_again

    def forbid(self, partition: str) -> None:
        self.govern(policy(partition))

    def govern(self, document: str) -> None:
        """Give the user that policy, and the like of it for functions."""
        self.iam.put_user_policy(UserName="user", PolicyName="p", PolicyDocument=document)
        rest = document.replace("dynamodb:", "lambda:")
        self.iam.put_user_policy(UserName="user", PolicyName="rest", PolicyDocument=rest)

    def request(
        self,
        operation: str,
        params: dict[str, Any],
        service: str = "dynamodb",
        more: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpRequest:
        """With DynamoDB's target, the ids that SDKs send and `more` fields, signed for `service`."""
        target = f"DynamoDB_20120810.{operation}"
        ids = {"amz-sdk-invocation-id": str(uuid4()), "X-Amzn-Trace-Id": f"Root=1-{uuid4().hex}"}
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
            "User-Agent": "test",
            **ids,
            **(more or {}),
        }
        body = json.dumps(params).encode() if body is None else body
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

    def call(
        self,
        operation: str,
        params: dict[str, Any],
        service: str = "dynamodb",
        more: Mapping[str, str] | None = None,
    ) -> tuple[Any, ...]:
        """Status, headers, body, event and decisions, without what is different in any two requests."""
        return self._seen(self.request(operation, params, service, more))

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
        if request.method == "POST" and request.path == "/" and not request.query:
            data = sent(request)
            if self.pipeline.repeat(data, ARRIVAL, answer.set_result):
                return await answer
            request = whole_request(data) or request
        if self.pipeline.answer_at_once(request, ARRIVAL, answer.set_result):
            return await answer
        return await self.pipeline.handle(request, ARRIVAL)


def sent(request: HttpRequest) -> bytes:
    """The bytes of a plain request."""
    fields = {**request.headers.lowered, "content-length": str(len(request.body))}
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + request.body


def _comparable(decision: Any) -> Any:
    """Times differ between the two; all else of a trace must not."""
    return (decision.allowed, decision.reason, decision.action, decision.resource, decision.decided_by,
            decision.message, [(layer.type, layer.outcome) for layer in decision.layers])  # fmt: skip


@contextmanager
def life(*, readmits: bool, ephemeral: bool = True) -> Iterator[Life]:
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        path = Path(name)
        directory = DataDirectory(path)
        directory.acquire()
        options = Options(port=0, data=path, ephemeral=ephemeral, dataplane="off")
        house = House(options, directory, CertificateAuthority(path / "ca"))
        runner.run(house.open())
        try:
            yield Life(house, runner, readmits=readmits)
        finally:
            runner.run(house.close())
            directory.release()
