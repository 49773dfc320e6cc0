"""Requests on function URLs answered by their functions: the port `FunctionUrls`."""

from __future__ import annotations

import json
from datetime import datetime

from casemate.execution.function import Invocation
from casemate.model.ids import RandomBytes
from casemate.servicekit.ports import UrlCall, UrlFacts
from casemate.servicekit.service import Authorize
from casemate.services.lambda_ import cross_origin, errors, invoking, url_events, url_streams
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.records import FunctionUrl
from casemate.services.lambda_.state import LambdaState
from casemate.wire.http import HttpRequest, HttpResponse

_REQUEST_LIMIT = 6 * 1024 * 1024
"""Lambda quotas: "Invocation payload", which the event must fit."""


class UrlCalls:
    """Implements `FunctionUrls`."""

    def __init__(self, state: LambdaState, *, random_bytes: RandomBytes) -> None:
        self._state = state
        self._random_bytes = random_bytes

    def url(self, url_id: str, region: str) -> UrlFacts | None:
        """What the gateway needs to know to let a request in."""
        found = self._find(url_id, region)
        if found is None:
            return None
        return UrlFacts(
            function_arn=found.function_arn,
            account=found.account,
            region=found.region,
            auth_type=found.auth_type,
        )

    def preflight(self, url_id: str, region: str, request: HttpRequest) -> HttpResponse | None:
        """The answer to a CORS preflight; None when the request is none, or the URL has no CORS settings."""
        found = self._find(url_id, region)
        return None if found is None else cross_origin.preflight(request, found.cors)

    async def answer(
        self, url_id: str, region: str, call: UrlCall, *, authorize: Authorize, now: datetime
    ) -> HttpResponse:
        """Run the function; AwsError when it could not run."""
        url = self._find(url_id, region)
        if url is None:
            raise errors.not_found_here("The function URL was deleted.")
        response = await self._run(url, call, authorize, now)
        return cross_origin.with_headers(call.request, response, url.cors)

    def _find(self, url_id: str, region: str) -> FunctionUrl | None:
        return next(
            (one for one in self._state.urls.values() if (one.url_id, one.region) == (url_id, region)), None
        )

    async def _run(
        self, url: FunctionUrl, call: UrlCall, authorize: Authorize, now: datetime
    ) -> HttpResponse:
        name = FunctionName(
            account=url.account, region=url.region, name=url.function, qualifier=url.qualifier or None
        )
        function = invoking.chosen(self._state, name, self._random_bytes)
        trace_id = invoking.trace_id(function, now, self._random_bytes)
        event = url_events.event_of(
            call.request,
            url,
            caller=call.caller,
            source=call.source,
            request_id=call.request_id,
            trace_id=trace_id,
            organization_id=call.organization_id,
            now=now,
        )
        payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        if len(payload) > _REQUEST_LIMIT:
            raise errors.entity_too_large("Request Entity Too Large")
        invocation = Invocation(
            request_id=call.request_id,
            payload=payload,
            invoked_arn=name.qualified_arn,
            trace_id=trace_id,
        )
        try:
            if url.invoke_mode == "RESPONSE_STREAM":
                stream = await invoking.stream(
                    self._state, function, invocation, authorize=authorize, now=now
                )
                return await url_streams.response_to(stream)
            outcome = await invoking.run(self._state, function, invocation, authorize=authorize, now=now)
            return _BAD_GATEWAY if outcome.failed else url_events.response_of(outcome.payload)
        except url_events.BadAnswerError:
            return _BAD_GATEWAY


# A function error, or an answer that is no HTTP response: counted as 5xx by "Monitoring Lambda function URLs".
_BAD_GATEWAY = HttpResponse(
    status=502, headers=(("Content-Type", "application/json"),), body=b"Internal Server Error"
)
