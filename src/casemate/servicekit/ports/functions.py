"""Functions, and the addresses they are called at."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from casemate.model.network import Address
from casemate.model.principals import Principal
from casemate.servicekit.service import Authorize
from casemate.wire.http import HttpRequest, HttpResponse


class FunctionFacts(Struct, frozen=True, kw_only=True):
    """What an explanation needs to know of a function."""

    function_arn: str
    role_arn: str
    vpc_id: str | None
    interface_ids: tuple[str, ...]


class Functions(Protocol):
    """Implemented by services.lambda_."""

    def function_facts(self, *, account: str, region: str, name: str) -> FunctionFacts | None:
        """None when there is no such function."""
        ...


class UrlFacts(Struct, frozen=True, kw_only=True):
    """What decides who may use a function URL."""

    function_arn: str
    """With the alias, if the URL is an alias's."""
    account: str
    region: str
    auth_type: str
    """`NONE` or `AWS_IAM`."""


class UrlCall(Struct, frozen=True, kw_only=True):
    """A request on a function URL that was let in."""

    request: HttpRequest
    request_id: str
    caller: Principal | None
    """None: AuthType NONE."""
    organization_id: str | None
    """Of the caller."""
    source: Address


class FunctionUrls(Protocol):
    """Implemented by services.lambda_; a URL is named by its id and its Region."""

    def url(self, url_id: str, region: str) -> UrlFacts | None:
        """None when there is no such URL."""
        ...

    def preflight(self, url_id: str, region: str, request: HttpRequest) -> HttpResponse | None:
        """The answer to a CORS preflight; None when the request is to be answered by the function."""
        ...

    async def answer(
        self, url_id: str, region: str, call: UrlCall, *, authorize: Authorize, now: datetime
    ) -> HttpResponse:
        """The function's answer; AwsError when it could not run."""
        ...
