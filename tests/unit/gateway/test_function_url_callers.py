"""Who asks on a function URL: the same principal that the same key is at an API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec.structs import replace
from tests.support.exchanges import ADMIN

from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.authorization import Situation
from casemate.gateway.function_urls import FunctionUrlDoor
from casemate.servicekit.ports import Credential, UrlFacts
from casemate.wire.http import Headers, HttpRequest

HOST = "abc.lambda-url.us-east-2.on.aws"
LOCAL = IPv4Address("127.0.0.1")
LAPTOP = Arrival(side=Side.LAPTOP, vpc_id=None, peer=LOCAL, destination=LOCAL, port=4566, tls=False)
FACTS = UrlFacts(
    function_arn="arn:aws:lambda:us-east-2:000000000000:function:f",
    account="000000000000",
    region="us-east-2",
    auth_type="AWS_IAM",
)


class _AskedError(Exception):
    pass


class _Fakes:
    """Everything the door asks; the authorizer keeps the question and stops there."""

    def __init__(self, credential: Credential) -> None:
        self.held = credential
        self.situation: Situation | None = None

    def url(self, _url_id: str, _region: str) -> UrlFacts:
        return FACTS

    def preflight(self, *_: Any) -> None:
        return None

    def credential(self, _access_key_id: str) -> Credential:
        return self.held

    def decide(self, situation: Situation, _check: Any) -> Any:
        self.situation = situation
        raise _AskedError

    def record(self, _exchange: Any) -> None: ...


@pytest.mark.parametrize("age", [None, 7200])
def test_the_age_of_an_mfa_login_counts_on_a_url_too(age: int | None) -> None:
    """IAM User Guide, aws:MultiFactorAuthAge: a statement that denies old logins must not be passed by a URL."""
    now = datetime.now(UTC)
    key = Credential(
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key="secret",
        principal=replace(ADMIN, mfa_age_seconds=None),
        mfa_authenticated=None if age is None else now - timedelta(seconds=age),
    )
    signed = AWSRequest("GET", f"https://{HOST}/")
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "lambda", "us-east-2").add_auth(signed)
    pairs = [("Host", HOST), *((name, str(value)) for name, value in signed.headers.items())]
    fakes: Any = _Fakes(key)
    door = FunctionUrlDoor(
        urls=fakes,
        credentials=fakes,
        authorizer=fakes,
        organization=fakes,
        service=fakes,
        journal=fakes,
        uses=SimpleNamespace(used=lambda *_, **__: None),
        clock=lambda: now,
    )
    request = HttpRequest(method="GET", path="/", headers=Headers(pairs), body=b"")
    asyncio.run(door.handle(request, LAPTOP))
    assert fakes.situation.principal.mfa_age_seconds == age
