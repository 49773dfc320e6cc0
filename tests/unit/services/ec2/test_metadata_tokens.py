"""Tokens of the metadata service: asked for with a number, of one instance, and not without end."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from casemate.services.ec2.metadata_service import MetadataService
from casemate.wire.http import Headers, HttpRequest, HttpResponse

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"
ADDRESSES = {"i-1": "10.0.0.4", "i-2": "10.0.0.5"}


class _State:
    """Two instances that ask for tokens, as the metadata service sees them."""

    def __init__(self) -> None:
        self.interfaces = SimpleNamespace(
            everywhere=lambda: [
                SimpleNamespace(
                    vpc_id="vpc-1",
                    addresses=[SimpleNamespace(address=address)],
                    attachment=SimpleNamespace(instance_id=name),
                )
                for name, address in ADDRESSES.items()
            ]
        )
        metadata = SimpleNamespace(endpoint="enabled", tokens="required", hop_limit=1)
        self.instances = SimpleNamespace(
            find=lambda _home, name: SimpleNamespace(id=name, metadata=metadata)  # pyright: ignore[reportUnknownLambdaType]
        )


@pytest.fixture
def service() -> MetadataService:
    state: Any = _State()
    sessions: Any = None
    return MetadataService(state, sessions, lambda: datetime(2026, 11, 21, tzinfo=UTC), os.urandom)


def ask(service: MetadataService, instance: str, method: str, path: str, **headers: str) -> HttpResponse:
    pairs = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])
    request = HttpRequest(method=method, path=path, headers=pairs, body=b"")
    return service.answer(request, vpc_id="vpc-1", peer=IPv4Address(ADDRESSES[instance]))


def token(service: MetadataService, instance: str, ttl: str = "60") -> HttpResponse:
    return ask(service, instance, "PUT", "/latest/api/token", **{TTL: ttl})


@pytest.mark.parametrize("ttl", ["", "0", "-1", "21601", "1.5", "\u00b2", "9" * 5000])
def test_a_time_to_live_that_is_no_number_of_seconds(service: MetadataService, ttl: str) -> None:
    """EC2 User Guide, "Use the Instance Metadata Service": 400, "the PUT request is not valid"."""
    assert token(service, "i-1", ttl).status == 400


def test_a_token_is_good_for_its_own_instance(service: MetadataService) -> None:
    text = token(service, "i-1").body.decode()
    assert ask(service, "i-1", "GET", "/", **{TOKEN: text}).status == 200
    assert ask(service, "i-2", "GET", "/", **{TOKEN: text}).status == 401


def test_who_asks_without_end_loses_its_own_oldest_tokens_only(service: MetadataService) -> None:
    first, other = token(service, "i-1").body.decode(), token(service, "i-2").body.decode()
    for _ in range(1024):
        last = token(service, "i-1").body.decode()
    assert ask(service, "i-1", "GET", "/", **{TOKEN: first}).status == 401
    assert ask(service, "i-1", "GET", "/", **{TOKEN: last}).status == 200
    assert ask(service, "i-2", "GET", "/", **{TOKEN: other}).status == 200
