"""The life of a request: one flat list of steps. Read `Pipeline.handle` first."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from casemate.gateway.arrival import Arrival
from casemate.gateway.authorization import Authorizer, Situation, encodes, refusal
from casemate.gateway.bystanders import answer_bystander
from casemate.gateway.callers import caller_of, signature_of
from casemate.gateway.context_keys import forwarded_keys, forwarded_origin, request_keys
from casemate.gateway.exchange import Exchange
from casemate.gateway.journal import Journal
from casemate.gateway.lengths import refuse_long
from casemate.gateway.location import locate, scoped_elsewhere
from casemate.gateway.missing_operations import iam_prefix_of, missing_checks, require_implemented
from casemate.gateway.readmission import Readmission
from casemate.gateway.request_ids import new_request_id
from casemate.gateway.session_reach import refuse_out_of_reach
from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.model.regions import GLOBAL_SERVICES, REGIONS
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import Credentials, CredentialUses, Network
from casemate.servicekit.service import Check, Context, Operation, Output, Service, lasts
from casemate.servicekit.store import Store
from casemate.wire.error_output import serialize_error
from casemate.wire.http import HttpRequest, HttpResponse
from casemate.wire.models import ServiceModels
from casemate.wire.parser import NamedRequest, ParsedRequest, name_operation, protocol_of
from casemate.wire.routing import identify
from casemate.wire.serializer import serialize
from casemate.wire.sigv4_errors import Refusal, family_of, signature_error

_log = logging.getLogger(__name__)

Settled = Callable[[], Awaitable[None]]


class Pipeline:
    """Takes a request from any listener, gives the response. Knows no single service."""

    def __init__(
        self,
        *,
        models: ServiceModels,
        services: Mapping[str, Service[Any]],
        store: Store,
        credentials: Credentials,
        uses: CredentialUses,
        network: Network,
        authorizer: Authorizer,
        journal: Journal,
        clock: Clock,
        settled: Settled,
    ) -> None:
        self._models = models
        self._services = services
        self._store = store
        self._credentials = credentials
        self._uses = uses
        self._network = network
        self._authorizer = authorizer
        self._journal = journal
        self._clock = clock
        self._readmission = Readmission(store=store, authorizer=authorizer, context=self._context)
        self._finishing: set[asyncio.Task[None]] = set()
        """Held: the event loop would not."""
        self._settled = settled
        """Waits until the data plane holds what was committed, so that packets obey a call that has returned."""

    async def handle(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        """The whole life of a request, in order."""
        bystander = answer_bystander(request, arrival) or refuse_long(request)
        if bystander is not None:
            return bystander
        now = self._clock()
        generation = self._readmission.generation
        admitted = self._readmission.admit(request, arrival, now)
        exchange = admitted or Exchange(
            request=request, arrival=arrival, request_id=new_request_id(), now=now
        )
        try:
            if admitted is not None:
                self._note_use(exchange)
            else:
                named = self._name(exchange)
                self._authenticate(exchange)
                self._read(exchange, named)
                self._locate(exchange)
                self._gather_keys(exchange)
                self._authorize(exchange)
                # After authorization: what is missing here is told only to those who could have called it.
                require_implemented(exchange)
            await self._dispatch(exchange)
        except asyncio.CancelledError:
            # What was committed is on record, even when Casemate stops meanwhile.
            self._journal.record(exchange)
            raise
        except Exception as error:
            exchange.error = _error_of(error, exchange)
        response = self._conclude(exchange)
        if admitted is None:
            self._readmission.learn(exchange, generation)
        return response

    def answer_at_once(
        self, request: HttpRequest, arrival: Arrival, answer: Callable[[HttpResponse], None]
    ) -> bool:
        """The life of a readmitted request whose operation awaits nothing but that its writes last: no task is made.

        False: it is none, and `handle` takes it from its beginning.
        """
        exchange = self._readmission.admit(request, arrival, self._clock(), at_once=True)
        if exchange is None:
            return False
        self._carry_out(exchange, answer)
        return True

    def repeat(self, data: bytes, arrival: Arrival, answer: Callable[[HttpResponse], None]) -> bool:
        """As `answer_at_once`, of a read that is the like of a request before. False: it is none, or has to be read."""
        exchange = self._readmission.repeat(data, arrival, self._clock())
        if exchange is None:
            return False
        self._carry_out(exchange, answer)
        return True

    def _carry_out(self, exchange: Exchange, answer: Callable[[HttpResponse], None]) -> None:
        """From the admission of an exchange to its answer, in this turn or when what it wrote or saw lasts."""
        operation, service = exchange.operation, exchange.service
        assert operation is not None
        assert service is not None
        generation = self._store.generation
        try:
            self._note_use(exchange)
            generation = self._store.generation
            rest = self._perform(operation, exchange)
        except Exception as error:
            exchange.error = _error_of(self._first_error(error, operation, exchange), exchange)
        else:
            if rest is not None or generation != self._store.generation:
                # It takes longer than a turn; or records changed, which the data plane may have to follow.
                lasting = service.lasting(operation, failed=False)
                work = (
                    _completed(operation, service, exchange, rest)
                    if rest is not None
                    else lasting and lasts(lasting, service.state)
                )
                task = asyncio.get_running_loop().create_task(self._finish(exchange, answer, work))
                self._finishing.add(task)
                task.add_done_callback(self._finishing.discard)
                return
        lasting = service.lasting(operation, failed=exchange.error is not None)
        if lasting is None:
            answer(self._conclude(exchange))
            return

        def told(error: AwsError | None) -> None:
            exchange.error = error or exchange.error
            answer(self._conclude(exchange))

        lasting(service.state, told)

    def _first_error(self, error: Exception, operation: Operation[Any], exchange: Exchange) -> Exception:
        """What a request fails by: had its checks been asked for, as they are first, it may have been by them."""
        if exchange.asked or operation.checks is None:
            return error
        try:
            # A copy: what was computed from the same parameters is not what it was before the operation began.
            tuple(operation.checks(self._context(exchange), {**exchange.params}))
        except Exception as first:
            exchange.decisions = []
            return first
        return error

    async def _finish(
        self,
        exchange: Exchange,
        answer: Callable[[HttpResponse], None],
        work: Awaitable[None] | None,
    ) -> None:
        try:
            if work is not None:
                await work
            await self._settled()
        except asyncio.CancelledError:
            self._journal.record(exchange)  # as in `handle`
            raise
        except Exception as error:
            exchange.error = _error_of(error, exchange)
        answer(self._conclude(exchange))

    async def close(self) -> None:
        """Give up what takes longer than a turn: nobody is connected any more who waits for it."""
        await asyncio.sleep(0)  # what has not begun would never be awaited
        finishing = list(self._finishing)
        for task in finishing:
            task.cancel()
        await asyncio.gather(*finishing, return_exceptions=True)

    def _conclude(self, exchange: Exchange) -> HttpResponse:
        """On record, and the response."""
        # The context holds the exchange: without it what a request made dies with its last reference.
        exchange.context = None
        self._journal.record(exchange)
        return self._serialize(exchange)

    def _name(self, exchange: Exchange) -> NamedRequest:
        """What is asked for, and of which service: enough to know whose signature it has to bear."""
        target = identify(exchange.request)
        exchange.service_name = target.service
        exchange.region = target.region or "us-east-1"
        try:
            exchange.model = self._models.get(target.service)
        except KeyError:
            raise AwsError(
                "UnrecognizedClientException", f"Unknown service {target.service}", http_status=400
            ) from None
        named = name_operation(exchange.request, exchange.model)
        exchange.parsed = ParsedRequest(operation=named.operation, params={}, protocol=named.protocol)
        service = self._services.get(target.service)
        exchange.operation = service and service.operations.by_name.get(exchange.operation_name)
        exchange.service = service
        return named

    def _read(self, exchange: Exchange, named: NamedRequest) -> None:
        """The input, of somebody who is known: what it takes to read it is his."""
        assert exchange.parsed is not None
        exchange.parsed.params = named.read()

    def _authenticate(self, exchange: Exchange) -> None:
        assert exchange.parsed is not None
        signed = signature_of(
            exchange.request,
            self._credentials,
            now=exchange.now,
            service=exchange.service_name,
            signing_name=exchange.model.signing_name,
            protocol=exchange.parsed.protocol,
        )
        if signed is None:
            raise _missing_token(exchange)
        verified, found = signed
        if exchange.region not in REGIONS or verified.scope.region != exchange.region:
            # No such Region, an Authorization header that says two things, or a host name that contradicts the scope.
            family = family_of(exchange.parsed.protocol, exchange.service_name)
            raise scoped_elsewhere(family, verified.scope.region)
        exchange.credential = found
        exchange.principal = caller_of(found, exchange.now)
        self._note_use(exchange)
        refuse_out_of_reach(exchange.principal, exchange.service_name, exchange.operation_name)

    def _note_use(self, exchange: Exchange) -> None:
        """Refused or not, it is a use of the credentials."""
        assert exchange.principal is not None
        repetition = exchange.repetition
        if repetition is not None and exchange.now < repetition.told_until:
            return
        service = str(exchange.model.signing_name)
        until = self._uses.used(exchange.principal, service=service, region=exchange.region, now=exchange.now)
        if repetition is not None and until is not None:
            repetition.told_until = until

    def _locate(self, exchange: Exchange) -> None:
        assert exchange.parsed is not None
        exchange.origin = locate(
            exchange.arrival,
            self._network.snapshot(),
            exchange.service_name,
            region=exchange.region,
            family=family_of(exchange.parsed.protocol, exchange.service_name),
        )

    def _gather_keys(self, exchange: Exchange) -> None:
        exchange.keys = request_keys(
            region=GLOBAL_SERVICES.get(exchange.service_name, exchange.region),
            now=exchange.now,
            # Inside the network TLS ends at the listener; a laptop's plain HTTP on the loopback address is what it is.
            tls=exchange.arrival.tls,
            user_agent=exchange.request.headers.get("user-agent") or "",
            referer=exchange.request.headers.get("referer"),
        )

    def _authorize(self, exchange: Exchange) -> None:
        for check in self._checks(exchange):
            self._ask(exchange, check, exchange.principal)

    def _checks(self, exchange: Exchange) -> tuple[Check, ...]:
        operation = exchange.operation
        action = f"{iam_prefix_of(exchange)}:{exchange.operation_name}"
        if operation is None:
            return tuple(missing_checks(exchange))
        if operation.checks is None:
            return (Check(action=action),)
        return tuple(operation.checks(self._context(exchange), exchange.params))

    async def _dispatch(self, exchange: Exchange) -> None:
        """Until what was done and seen is durable, and packets obey it."""
        operation, service = exchange.operation, exchange.service
        assert operation is not None
        assert service is not None
        try:
            if operation.runs_async:
                result = operation.handler(self._context(exchange), exchange.params)
                assert inspect.iscoroutine(result) or inspect.isawaitable(result)
                exchange.output = await result
            else:
                rest = self._perform(operation, exchange)
                if rest is not None:
                    exchange.output = await rest
        except Exception:
            await _outlast(operation, service, failed=True)
            raise
        await _outlast(operation, service, failed=False)
        await self._settled()

    def _perform(self, operation: Operation[Any], exchange: Exchange) -> Awaitable[Output] | None:
        """An operation that awaits nothing, or the first turn of a long read: then the rest of it."""
        assert exchange.parsed is not None
        with self._store.transaction():
            result = operation.handler(self._context(exchange), exchange.parsed.params)
        if type(result) is not dict and inspect.isawaitable(result):
            return result
        exchange.output = result
        return None

    def _serialize(self, exchange: Exchange) -> HttpResponse:
        if exchange.error is None:
            assert exchange.parsed is not None
            try:
                return serialize(exchange.parsed, exchange.output, exchange.request_id)
            except Exception:
                _log.exception("response of %s cannot be serialized", exchange.operation_name)
                exchange.error = _internal_failure(exchange.request_id)
        operation = exchange.parsed.operation if exchange.parsed else None
        protocol = _protocol(exchange)
        return serialize_error(exchange.model, operation, protocol, exchange.error, exchange.request_id)

    def _context(self, exchange: Exchange) -> Context[Any]:
        if exchange.context is None:
            exchange.context = self._make_context(exchange)
        return exchange.context

    def _make_context(self, exchange: Exchange) -> Context[Any]:
        assert exchange.service is not None
        assert exchange.principal is not None
        assert exchange.origin is not None

        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            inside = principal is not None
            self._ask(exchange, check, principal or exchange.principal, inside=inside, through=through)

        trace = exchange.request.headers.lowered.get("x-amzn-trace-id", "")
        if exchange.repetition is not None:
            learned = exchange.repetition.learned
            like = learned.context or self._context(learned)
            return like.again(exchange.request_id, exchange.now, authorize, trace)
        return Context(
            state=exchange.service.state,
            request_id=exchange.request_id,
            account=exchange.principal.account,
            region=exchange.region,
            principal=exchange.principal,
            origin=exchange.origin,
            now=exchange.now,
            random_bytes=os.urandom,
            store=self._store,
            authorize=authorize,
            trace=trace,
        )

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
        if not exchange.keys:
            self._gather_keys(exchange)
        origin = None if inside else exchange.origin
        situation = Situation(
            service=exchange.service_name,
            region=exchange.region,
            principal=principal,
            origin=forwarded_origin(origin) if through else origin,
            request=forwarded_keys(exchange.keys, through, principal) if through else exchange.keys,
        )
        decision = self._authorizer.decide(situation, check)
        exchange.decisions.append(decision)
        if not decision.allowed:
            encoded = ""
            if encodes(exchange.service_name, decision):
                encoded = self._authorizer.encoded(situation, check, decision)
            raise refusal(exchange.service_name, decision, encoded)


async def _completed(
    operation: Operation[Any], service: Service[Any], exchange: Exchange, rest: Awaitable[Output]
) -> None:
    """The rest of a long read, and until what it saw is durable."""
    try:
        exchange.output = await rest
    except Exception:
        await _outlast(operation, service, failed=True)
        raise
    await _outlast(operation, service, failed=False)


async def _outlast(operation: Operation[Any], service: Service[Any], *, failed: bool) -> None:
    lasting = service.lasting(operation, failed=failed)
    if lasting is not None:
        await lasts(lasting, service.state)


def _protocol(exchange: Exchange) -> str:
    """What to answer in: the request's protocol; where nothing could be made of the request, plain JSON."""
    if exchange.parsed is not None:
        return exchange.parsed.protocol
    return "rest-json" if exchange.model is None else protocol_of(exchange.request, exchange.model)


def _error_of(error: Exception, exchange: Exchange) -> AwsError:
    """What the client is told of an exception. Called where it was caught."""
    if isinstance(error, AwsError):
        return error
    _log.exception("request %s failed", exchange.request_id)
    return _internal_failure(exchange.request_id)


def _internal_failure(request_id: str) -> AwsError:
    """A defect of Casemate's: the log holds the traceback, the client only where to look."""
    text = f"Casemate failed on this request (a defect; the log of 'casemate up' has request {request_id})"
    return AwsError("InternalFailure", text, http_status=500, fault="server")


def _missing_token(exchange: Exchange) -> AwsError:
    assert exchange.parsed is not None
    return signature_error(family_of(exchange.parsed.protocol, exchange.service_name), Refusal.MISSING)
