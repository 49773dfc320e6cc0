"""A request that is one sent before, but for what differs in every request: known by its bytes, without being read.

A client says the same in every head except when it sends, the signature, the length of the body, and ids of the attempt.
Of a head that was read and let through once, the places of those are kept. The next one is cut at these places: when
all between them are the bytes that came before, then what was settled of the first is settled of this one.

INVARIANT: a head that is found here reads, field by field, as the one it was learned from, except for the fields of
`_VARYING`. Everything else in it, signed or not, is equal byte by byte, at the same place; and what stands in a varying place
is made of visible characters, so that no line or field begins or ends in it.
INVARIANT: of the varying fields, the date and the signature are verified, the length and the hash are the body's. The
others are ids, which no policy and no operation reads, and the trace, which is handed on as it was sent.

It is kept for one way that connections come (`Arrival`), and until a record changes: `readmission` sees to both.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from casemate.gateway.exchange import Exchange
from casemate.gateway.kept_decisions import KeptDecisions
from casemate.gateway.request_ids import new_request_id
from casemate.policy.decision import Decision
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.parser import ParsedRequest
from casemate.wire.sigv4_repeat import OWN_HASH, Repeated, SignedPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_END = b"\r\n\r\n"
_MAX_HEAD = 32 * 1024
_DATE, _AUTHORIZATION, _LENGTH, _TRACE = "x-amz-date", "authorization", "content-length", "x-amzn-trace-id"
_ALWAYS = (_DATE, _AUTHORIZATION, _LENGTH)
_VARYING = frozenset({*_ALWAYS, OWN_HASH, _TRACE, "amz-sdk-invocation-id"})
_SIGNATURE = 64
"""Digits at the end of an Authorization header of SigV4, of which only they vary."""
_VISIBLE = bytes(range(0x21, 0x7F))
_MOST_HEADS = 1024
"""Of one way. What is full stays as it is until a record changes: heads that never repeat must not cost much."""
_MOST_FORMS = 4
"""Of heads of one length."""
_MOST_DECIDED = 512
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Repetition:
    """What was settled of a head."""

    __slots__ = ("decided", "decisions", "decode", "learned", "pattern", "told_until")

    def __init__(
        self,
        learned: Exchange,
        decisions: KeptDecisions,
        pattern: SignedPattern,
        decode: Callable[[bytes], dict[str, Any]],
    ) -> None:
        self.learned = learned
        """What is the same of every exchange. Of its request's fields those that vary are left out."""
        self.decisions = decisions
        """Of its caller."""
        self.pattern = pattern
        self.decode = decode
        """Reads the body."""
        self.decided: dict[Hashable, list[Decision] | None] = {}
        """By what the checks follow from (`Operation.asked`): all decisions; None where a policy reads what varies."""
        self.told_until = _LONG_AGO
        """Up to then a further use of the credentials tells nobody anything (`CredentialUses`)."""

    def exchange(self, body: bytes, now: datetime, trace: bytes | None) -> Exchange | None:
        """One more; None where the body is not one that the operation's reader takes."""
        learned = self.learned
        parsed = learned.parsed
        assert parsed is not None
        try:
            params = self.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        parsed = ParsedRequest(operation=parsed.operation, params=params, protocol=parsed.protocol)
        again = learned.again(self, new_request_id(), now, parsed)
        if trace is not None:
            fields = {**learned.request.headers.lowered, _TRACE: trace.decode("ascii")}
            like = learned.request
            again.request = HttpRequest(method=like.method, path=like.path, headers=Headers.of(fields))
        return again

    def like(
        self, decisions: list[Decision], now: datetime, request_id: str, params: dict[str, Any]
    ) -> Exchange:
        """For the record: one more as it was, in what is recorded of it."""
        learned = self.learned
        assert learned.parsed is not None
        parsed = ParsedRequest(
            operation=learned.parsed.operation, params=params, protocol=learned.parsed.protocol
        )
        again = learned.again(self, request_id, now, parsed)
        again.decisions = decisions
        return again

    def decide(self, asked: Hashable, decisions: list[Decision] | None) -> None:
        """Keep what was decided where that was asked."""
        if len(self.decided) >= _MOST_DECIDED:
            self.decided.clear()
        self.decided[asked] = decisions and decisions.copy()


class _Form:
    """Heads of one length that vary at the same places."""

    __slots__ = ("_hash", "_ids", "_trace", "_varying", "constant", "known", "names", "places")

    def __init__(self, places: Mapping[str, slice], end: int) -> None:
        self.places = places
        self.names = (*_ALWAYS, *sorted(places.keys() - set(_ALWAYS)))
        """Of the varying fields, in the order in which their values are got."""
        cuts: list[slice] = []
        at = 0
        for place in sorted(places.values(), key=lambda place: place.start):
            cuts.append(slice(at, place.start))
            at = place.stop
        self.constant = itemgetter(*cuts, slice(at, end))
        self._varying = itemgetter(*(places[name] for name in self.names))
        self._hash = self.names.index(OWN_HASH) if OWN_HASH in places else None
        self._trace = self.names.index(_TRACE) if _TRACE in places else None
        self._ids = tuple(at for at, name in enumerate(self.names) if name not in (*_ALWAYS, OWN_HASH))
        self.known: dict[tuple[bytes, ...], Repetition] = {}
        """By what stands between those places."""

    def learn(self, head: bytes, repetition: Repetition) -> None:
        self.known[self.constant(head)] = repetition

    def exchange(self, found: Repetition, data: bytes, body: bytes, now: datetime) -> Exchange | None:
        """The exchange of a head that was found, if its varying fields are what they have to be."""
        values: tuple[bytes, ...] = self._varying(data)
        if values[2] != b"%d" % len(body):
            return None
        for at in self._ids:
            if values[at].translate(None, _VISIBLE):
                return None
        digest = hexlify(sha256(body).digest())
        if self._hash is not None and values[self._hash] != digest:
            return None
        if not found.pattern.holds(values, digest, now):
            return None
        return found.exchange(body, now, None if self._trace is None else values[self._trace])


class Repetitions:
    """The heads that came one way."""

    __slots__ = ("_forms", "_heads")

    def __init__(self) -> None:
        self._forms: dict[int, list[_Form]] = {}
        """By the length of the head."""
        self._heads = 0

    def find(self, data: bytes, now: datetime) -> Exchange | None:
        """Of a read that is one whole request, signed by the signer of the like of it. None where anything is unlike."""
        end = data.find(_END, 0, _MAX_HEAD)
        for form in self._forms.get(end, ()):
            found = form.known.get(form.constant(data))
            if found is not None:
                return form.exchange(found, data, data[end + len(_END) :], now)
        return None

    def learn(
        self,
        exchange: Exchange,
        decisions: KeptDecisions,
        signature: Repeated,
        decode: Callable[[bytes], dict[str, Any]],
    ) -> None:
        """Keep the head of a request that was read in one piece, was verified, and goes on to its operation."""
        request, parsed = exchange.request, exchange.parsed
        head, fields = request.head, request.headers.lowered
        places = dict(_places(head))
        if parsed is None or self._heads >= _MOST_HEADS or not places.keys() >= set(_ALWAYS):
            return
        forms = self._forms.setdefault(len(head), [])
        form = next((one for one in forms if one.places == places), None)
        if form is None:
            if len(forms) >= _MOST_FORMS:
                return
            form = _Form(places, len(head))
            forms.append(form)
        self._heads += 1
        constant = {name: value for name, value in fields.items() if name not in places}
        like = HttpRequest(method=request.method, path=request.path, headers=Headers.of(constant))
        without = ParsedRequest(operation=parsed.operation, params={}, protocol=parsed.protocol)
        learned = exchange.again(None, "", exchange.now, without)
        learned.request = like
        form.learn(head, Repetition(learned, decisions, SignedPattern(signature, fields, form.names), decode))


def _places(head: bytes) -> Iterator[tuple[str, slice]]:
    """Where the values stand that vary, of a head without its last line ends that `whole_request` has read."""
    end = -2
    for line in head.split(b"\r\n"):
        end += 2 + len(line)
        name, _, rest = line.partition(b":")
        value = rest.lstrip(b" \t")
        field = name.decode("ascii").lower()
        if field == _AUTHORIZATION:
            if line[:-_SIGNATURE].endswith(b" Signature="):
                yield field, slice(end - _SIGNATURE, end)
        elif field in _VARYING and not value.translate(None, _VISIBLE):
            yield field, slice(end - len(value), end)
