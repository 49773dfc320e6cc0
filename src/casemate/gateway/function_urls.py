"""The life of a request on a function URL: who asks, may they, and then the function's own answer.

Not an API call: no service model, no operation, and errors in a form of their own. Decisions are recorded as those of
API calls are, so that `casemate explain` knows why a URL said 403.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from typing import Any

from msgspec.structs import replace

from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.authorization import Authorizer, Situation, refusal
from casemate.gateway.callers import caller_of, signature_of
from casemate.gateway.context_keys import forwarded_keys, forwarded_origin, request_keys
from casemate.gateway.exchange import Exchange
from casemate.gateway.journal import Journal
from casemate.model.errors import AwsError
from casemate.model.ids import uuid4
from casemate.model.origin import InternetOrigin
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import (
    Credentials,
    CredentialUses,
    FunctionUrls,
    Organization,
    UrlCall,
    UrlFacts,
)
from casemate.servicekit.service import Check, Service
from casemate.wire.http import HttpRequest, HttpResponse

_log = logging.getLogger(__name__)

_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.lambda-url\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.(?:on\.aws|localhost)(?::\d+)?"
)
_ANONYMOUS = Principal(kind=PrincipalKind.ANONYMOUS, arn="*", account="", user_id="")
# As answered by AWS to a request that no policy allows, with the header x-amzn-ErrorType: AccessDeniedException.
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


class FunctionUrlDoor:
    """Answers on `https://<url-id>.lambda-url.<region>.on.aws`."""

    def __init__(
        self,
        *,
        urls: FunctionUrls,
        credentials: Credentials,
        uses: CredentialUses,
        authorizer: Authorizer,
        organization: Organization,
        service: Service[Any],
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._urls = urls
        self._credentials = credentials
        self._uses = uses
        self._authorizer = authorizer
        self._organization = organization
        self._service = service
        self._journal = journal
        self._clock = clock

    def serves(self, request: HttpRequest) -> bool:
        """Whether the request is for a function URL."""
        return ".lambda-url." in request.headers.lowered.get("host", "").lower()

    async def handle(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        """The whole life of a request, in order."""
        exchange = Exchange(request=request, arrival=arrival, request_id=uuid4(os.urandom), now=self._clock())
        exchange.service_name, exchange.service = "lambda", self._service
        exchange.called = "InvokeFunctionUrl"
        try:
            response = await self._answer(exchange)
        except AwsError as error:
            exchange.error = error
            response = _error(error)
        except asyncio.CancelledError:
            self._journal.record(exchange)
            raise
        except Exception:
            _log.exception("request %s on a function URL failed", exchange.request_id)
            exchange.error = AwsError(
                "InternalFailure", "Internal Server Error", http_status=500, fault="server"
            )
            response = _error(exchange.error)
        self._journal.record(exchange)
        headers = (*response.headers, ("x-amzn-RequestId", exchange.request_id))
        return replace(response, headers=headers)

    async def _answer(self, exchange: Exchange) -> HttpResponse:
        request = exchange.request
        host = _HOST.fullmatch(request.headers.lowered["host"].lower().rstrip("."))
        url = None if host is None else self._urls.url(host["id"], host["region"])
        if host is None or url is None or exchange.arrival.side is Side.VPC:
            # "You can access your function URL through the public internet only": no VPC endpoint leads here.
            raise AwsError("AccessDeniedException", _FORBIDDEN, http_status=403)
        exchange.region = url.region
        preflight = self._urls.preflight(host["id"], host["region"], request)
        if preflight is not None:
            return preflight
        self._authenticate(exchange, url)
        exchange.origin = InternetOrigin(address=exchange.arrival.peer)
        exchange.keys = request_keys(
            region=url.region,
            now=exchange.now,
            # The endpoint is HTTPS only; plain HTTP on the loopback port stands for it.
            tls=True,
            user_agent=request.headers.get("user-agent") or "",
            referer=request.headers.get("referer"),
        )
        self._authorize(exchange, url)
        assert exchange.principal is not None
        named = url.auth_type == "AWS_IAM"
        member = self._organization.membership(exchange.principal.account) if named else None
        call = UrlCall(
            request=request,
            request_id=exchange.request_id,
            caller=exchange.principal if named else None,
            organization_id=member.organization_id if member else None,
            source=exchange.arrival.peer,
        )

        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            inside = principal is not None
            self._ask(exchange, check, principal or exchange.principal, inside=inside, through=through)

        return await self._urls.answer(
            host["id"], host["region"], call, authorize=authorize, now=exchange.now
        )

    def _authenticate(self, exchange: Exchange, url: UrlFacts) -> None:
        """Who asks: with AuthType NONE nobody is asked, and a signature that is there is not looked at."""
        if url.auth_type != "AWS_IAM":
            exchange.principal = _ANONYMOUS
            return
        signed = signature_of(
            exchange.request,
            self._credentials,
            now=exchange.now,
            service="lambda",
            signing_name="lambda",
            protocol="rest-json",
        )
        if signed is None:
            raise AwsError("AccessDeniedException", _FORBIDDEN, http_status=403)
        verified, found = signed
        if verified.scope.region != url.region:
            text = f"Credential should be scoped to a valid region, not '{verified.scope.region}'. "
            raise AwsError("InvalidSignatureException", text, http_status=403)
        exchange.principal = caller_of(found, exchange.now)
        self._uses.used(found.principal, service="lambda", region=url.region, now=exchange.now)

    def _authorize(self, exchange: Exchange, url: UrlFacts) -> None:
        """Both actions: since October 2025 a URL needs lambda:InvokeFunction besides lambda:InvokeFunctionUrl.

        Source: Lambda Developer Guide, "Control access to Lambda function URLs".
        """
        checks = (
            Check(
                action="lambda:InvokeFunctionUrl",
                resource=url.function_arn,
                context={"lambda:FunctionUrlAuthType": url.auth_type},
            ),
            Check(
                action="lambda:InvokeFunction",
                resource=url.function_arn,
                context={"lambda:InvokedViaFunctionUrl": "true"},
            ),
        )
        for check in checks:
            self._ask(exchange, check, exchange.principal)

    def _ask(
        self,
        exchange: Exchange,
        check: Check,
        principal: Principal | None,
        *,
        inside: bool = False,
        through: str | None = None,
    ) -> None:
        assert principal is not None
        origin = None if inside else exchange.origin
        situation = Situation(
            service="lambda",
            region=exchange.region,
            principal=principal,
            origin=forwarded_origin(origin) if through else origin,
            request=forwarded_keys(exchange.keys, through, principal) if through else exchange.keys,
        )
        decision = self._authorizer.decide(situation, check)
        exchange.decisions.append(decision)
        if not decision.allowed:
            raise refusal("lambda", decision)


def _error(error: AwsError) -> HttpResponse:
    """Errors before the function: its statuses are 403, 429 and the 5xx of Lambda's own."""
    text = _FORBIDDEN if error.code == "AccessDeniedException" else error.message
    headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code))
    content = {"Message": text, **error.fields}
    return HttpResponse(status=error.http_status, headers=headers, body=json.dumps(content).encode())
