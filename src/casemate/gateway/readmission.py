"""The short way in for a request that resembles one the pipeline has let through before.

The pipeline settles who calls, from where, through which endpoint, and under which policies. Until a record changes,
all of that is the same for the next request of the same key that comes the same way: it is kept here, and only what
differs is done again: the signature over what was sent, and the decision where a policy reads what varies.

INVARIANT: what is admitted here the pipeline would have admitted, with the same exchange. Whatever is unusual, refused
or wrong is declined before anything has happened, and the pipeline takes the request from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemate.gateway.arrival import Arrival
from casemate.gateway.authorization import Authorizer, Situation
from casemate.gateway.bystanders import answer_bystander
from casemate.gateway.context_keys import Values, request_keys
from casemate.gateway.exchange import Exchange
from casemate.gateway.kept_decisions import KeptDecisions
from casemate.gateway.repetition import Repetitions
from casemate.gateway.request_ids import new_request_id
from casemate.model.origin import Origin
from casemate.model.principals import Principal
from casemate.model.regions import GLOBAL_SERVICES
from casemate.servicekit.service import Check, Context, Operation, Service
from casemate.servicekit.store import Store
from casemate.wire.parser import ParsedRequest, decoded, decoder_of, path_labels, read_again
from casemate.wire.sigv4_repeat import Repeated, holds, prefix_of, repeated

if TYPE_CHECKING:
    from botocore.model import OperationModel

    from casemate.wire.http import HttpRequest

_MOST_KEPT = 4096
_MOST_HELD = 32 << 20
"""Who calls chooses how long heads are, and what is asked for in how many combinations. What is full stays as it is."""
_LONGEST_SIGNED = 4096
"""Characters of the list of signed headers, the host and the target of a caller that is kept."""
_UNUSUAL = frozenset({"smithy-protocol", "referer"})
"""Headers by which a request may be of another protocol than its target says, or have a key that others have not."""
MakeContext = Callable[[Exchange], Context[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """An operation that was asked for before."""

    operation: Operation[Any]
    model: OperationModel
    labels: dict[str, str] | None = None
    """Of the path, where it names the operation; None where X-Amz-Target does."""

    def parse(self, request: HttpRequest) -> ParsedRequest | None:
        """The request as the parser would give it; None when it has to look at it itself."""
        if self.labels is None:
            params, protocol = decoded(self.model, request.body), "json"
        else:
            params, protocol = read_again(self.model, self.labels, request), "rest-json"
        if params is None:
            return None
        return ParsedRequest(operation=self.model, params=params, protocol=protocol)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Caller:
    """One key on connections that came the same way, to one service, as the pipeline let it through.

    Of a REST service to one path, which says what is asked for: the same function again and again.
    """

    service: Service[Any]
    model: Any
    principal: Principal
    origin: Origin
    region: str
    signature: Repeated
    decisions: KeptDecisions
    target: _Target | None = None
    """What the path names."""


class _Way:
    """How connections came: all whose arrivals are equal."""

    __slots__ = ("first", "repetitions")

    def __init__(self, first: Arrival) -> None:
        self.first = first
        self.repetitions = Repetitions()


class Readmission:
    """Beside one pipeline: `admit` first; where it declines, `learn` from what the pipeline made of the request."""

    def __init__(self, *, store: Store, authorizer: Authorizer, context: MakeContext) -> None:
        self._store = store
        self._authorizer = authorizer
        self._context = context
        self._ways: dict[Arrival, _Way] = {}
        self._alike: dict[int, tuple[Arrival, _Way]] = {}
        """By identity: an arrival, held so that its identity stays its own, and the way of all that are equal to it."""
        self._callers: dict[tuple[int, str, str | None, str], _Caller] = {}
        self._targets: dict[str, _Target] = {}
        self._generation = -1
        self._held = 0
        """About how many bytes repetitions take, of all ways."""

    def admit(
        self, request: HttpRequest, arrival: Arrival, now: datetime, *, at_once: bool = False
    ) -> Exchange | None:
        """The exchange of a request that may go on to its operation; None: declined.

        `at_once`: only to an operation that awaits nothing.
        """
        if self._generation != self._store.generation:
            self._forget()
            return None
        headers = request.headers.lowered
        if at_once:
            wanted = self._targets.get(headers.get("x-amz-target", ""))
            if wanted is None or wanted.operation.runs_async:
                return None
        way = self._way(arrival)
        caller = self._callers.get(_place(request, way.first))
        if caller is None or not _UNUSUAL.isdisjoint(headers) or not holds(request, caller.signature, now):
            return None
        target = caller.target or self._targets.get(headers.get("x-amz-target", ""))
        parsed = None if target is None or _is_form(request) else target.parse(request)
        if target is None or parsed is None:
            return None
        exchange = Exchange(
            request=request,
            arrival=arrival,
            request_id=new_request_id(),
            now=now,
            service_name=caller.service.name,
            region=caller.region,
            model=caller.model,
            parsed=parsed,
            service=caller.service,
            operation=target.operation,
            principal=caller.principal,
            origin=caller.origin,
        )
        if self._allowed(exchange, caller.decisions) is None:
            return None
        decoder = decoder_of(target.model) if at_once and request.head else None
        # Where the path names the operation, the body is not all of its input.
        if decoder is not None and target.labels is None and self._held < _MOST_HELD:
            self._held += way.repetitions.learn(exchange, caller.decisions, caller.signature, decoder.decode)
        return exchange

    def repeat(self, data: bytes, arrival: Arrival, now: datetime) -> Exchange | None:
        """As `admit` at once, of a read that is the like of a request which went that way before."""
        known = self._alike.get(id(arrival))
        if known is None or self._generation != self._store.generation:
            return None
        exchange = known[1].repetitions.find(data, now)
        if exchange is None:
            return None
        operation, repetition = exchange.operation, exchange.repetition
        assert operation is not None
        assert repetition is not None
        try:
            asked = operation.asked and exchange.parsed and operation.asked(exchange.parsed.params)
            decisions = repetition.decided.get(asked)
        except Exception:  # bad input or a defect, as in `_allowed`
            return None
        if decisions is not None:
            exchange.asked, exchange.decisions = False, decisions.copy()
            return exchange
        checks = self._allowed(exchange, repetition.decisions)
        if checks is None:
            return None
        if asked is not None and asked not in repetition.decided and self._held < _MOST_HELD:
            constant = all(map(repetition.decisions.constant, checks))
            self._held += repetition.decide(asked, exchange.decisions if constant else None)
        return exchange

    def _way(self, arrival: Arrival) -> _Way:
        """One for all connections that came the same way."""
        known = self._alike.get(id(arrival))
        if known is None:
            if len(self._alike) >= _MOST_KEPT:
                self._forget()
            known = self._alike[id(arrival)] = (arrival, self._ways.setdefault(arrival, _Way(arrival)))
        return known[1]

    def _forget(self) -> None:
        """What is kept was computed from records that are no more."""
        self._callers.clear()
        self._ways.clear()
        self._alike.clear()
        self._held = 0
        self._generation = self._store.generation

    def _allowed(self, exchange: Exchange, kept: KeptDecisions) -> list[Check] | None:
        """The checks of the operation, all of them decided; None when there is none, when one is denied, or on bad input."""
        operation = exchange.operation
        if operation is None or operation.checks is None:
            return None
        decide, decisions = kept.decide, exchange.decisions

        def keys() -> Values:
            if not exchange.keys:
                exchange.keys = _request_keys(exchange)
            return exchange.keys

        made: list[Check] = []
        try:
            for check in operation.checks(self._context(exchange), exchange.params):
                decision = decide(check, keys)
                if not decision.allowed:
                    return None
                decisions.append(decision)
                made.append(check)
        except (
            Exception
        ):  # bad input, or a defect of ours: the pipeline meets it again, answers it and records it
            return None
        return made

    @property
    def generation(self) -> int:
        """What `learn` asks for: of the records, before the pipeline looked at the request."""
        return self._store.generation

    def learn(self, exchange: Exchange, generation: int) -> None:
        """Keep what the pipeline found out about a request that succeeded.

        Only if no record has changed since it began: while its operation waited, another request may have taken its key
        or its endpoint away.
        """
        request, credential, service = exchange.request, exchange.credential, exchange.service
        if exchange.error is not None or credential is None or service is None or exchange.operation is None:
            return
        if exchange.parsed is None or exchange.principal is None or exchange.origin is None:
            return
        if not _is_usual(exchange):
            return
        # The age of an MFA login differs from request to request, and with it the principal.
        if credential.mfa_authenticated is not None or generation != self._store.generation:
            return
        if generation != self._generation:
            return
        signature = repeated(request, credential)
        if signature is None or answer_bystander(request, exchange.arrival) is not None:
            return
        if len(self._callers) >= _MOST_KEPT:
            self._callers.clear()
        target = _Target(
            operation=exchange.operation,
            model=exchange.parsed.operation,
            labels=path_labels(request, exchange.model) if exchange.parsed.protocol == "rest-json" else None,
        )
        if target.labels is None:
            self._targets[request.headers.lowered["x-amz-target"]] = target
        place = _place(request, self._way(exchange.arrival).first)
        if sum(len(text or "") for text in place[1:]) > _LONGEST_SIGNED:
            return
        if place not in self._callers:
            self._callers[place] = self._caller(
                exchange, service, exchange.principal, exchange.origin, signature, target
            )

    def _caller(
        self,
        exchange: Exchange,
        service: Service[Any],
        principal: Principal,
        origin: Origin,
        signature: Repeated,
        target: _Target,
    ) -> _Caller:
        region, name = exchange.region, exchange.service_name

        def situation(request: Values) -> Situation:
            return Situation(service=name, region=region, principal=principal, origin=origin, request=request)

        return _Caller(
            service=service,
            model=exchange.model,
            principal=principal,
            origin=origin,
            region=region,
            signature=signature,
            decisions=KeptDecisions(self._authorizer, situation),
            target=None if target.labels is None else target,
        )


def _place(request: HttpRequest, arrival: Arrival) -> tuple[int, str, str | None, str]:
    """What two requests share that are alike in everything but what is looked at again.

    The service follows from the host, the credential scope and the first half of the target (`wire.routing`); without a
    target from the path, and from what a form says, which is not readmitted.
    """
    headers = request.headers.lowered
    text = headers.get("x-amz-target")
    target = f"{request.method} {request.path}" if text is None else text.rpartition(".")[0]
    return id(arrival), prefix_of(request), headers.get("host"), target


def _is_form(request: HttpRequest) -> bool:
    return request.headers.lowered.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _is_usual(exchange: Exchange) -> bool:
    """Whether the request names its operation as clients do: by a target that is its service's own, or by its path."""
    request, parsed = exchange.request, exchange.parsed
    assert parsed is not None
    text = request.headers.lowered.get("x-amz-target")
    if request.query or _is_form(request):
        return False
    if parsed.protocol == "rest-json":
        # INVARIANT: no model of this protocol tells operations of one path apart by headers.
        return text is None
    # A request may name another service in its target than the one it is signed for, which is the one that is meant.
    own = f"{exchange.model.metadata.get('targetPrefix')}.{parsed.operation.name}"
    return parsed.protocol == "json" and request.path == "/" and request.method == "POST" and text == own


def _request_keys(exchange: Exchange) -> Values:
    return request_keys(
        region=GLOBAL_SERVICES.get(exchange.service_name, exchange.region),
        now=exchange.now,
        tls=exchange.arrival.tls,
        user_agent=exchange.request.headers.get("user-agent") or "",
    )
