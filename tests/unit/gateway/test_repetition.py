"""A head that came before is known by its bytes, and nothing else is taken for it; what is known to be allowed is, for that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import structs
from tests.support.lives import ARRIVAL, HOST, TABLE, Life, life, sent

from casemate.gateway.repetition import Repetitions
from casemate.gateway.whole_request import whole_request
from casemate.wire.http import HttpRequest, HttpResponse

Call = tuple[str, dict[str, Any]]
NAME = {"TableName": "orders"}
LONG = "a" * 60
"""So that bodies which ask for something more have lengths of as many digits, and their heads are alike."""
KEY = {"p": {"S": LONG}, "s": {"N": "1"}}
READ: Call = ("GetItem", {**NAME, "Key": KEY})
PLAIN: dict[str, Any] = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def running() -> Iterator[Life]:
    with life(readmits=True) as one:
        tables = one.cloud.client("dynamodb")
        keys = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
        by_n = [{"AttributeName": "n", "KeyType": "HASH"}]
        tables.create_table(
            TableName="others",
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in (("p", "S"), ("s", "N"), ("n", "S"))
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": "byn", "KeySchema": by_n, "Projection": {"ProjectionType": "ALL"}}
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield one


@pytest.fixture
def plain(running: Life) -> Life:
    """A life whose policy reads nothing of a request, and in which READ is a repetition."""
    running.govern(document(PLAIN))
    return repeating(running, READ)


def test_checks_are_made_once_by_the_request_whose_decisions_are_kept_and_by_none_after_it(
    plain: Life,
) -> None:
    operation: Any = plain.pipeline._services["dynamodb"].operations.by_name["GetItem"]  # pyright: ignore[reportPrivateUsage]
    made = 0
    inner = operation.checks

    def checks(context: Any, params: Any) -> Any:
        nonlocal made
        made += 1
        return inner(context, params)

    plain.govern(document(PLAIN))  # what was kept is forgotten
    structs.force_setattr(operation, "checks", checks)
    counts: list[int] = []
    try:
        for _ in range(7):
            before, made = plain.repeated, 0
            assert plain.call(*READ)[0] == 200
            if plain.repeated > before:
                counts.append(made)
    finally:
        structs.force_setattr(operation, "checks", inner)
    assert counts[:3] == [1, 0, 0]


def test_a_decision_that_nothing_of_a_request_is_read_for_is_known_by_what_was_asked(
    plain: Life,
) -> None:
    operation: Any = plain.pipeline._services["dynamodb"].operations.by_name["GetItem"]  # pyright: ignore[reportPrivateUsage]
    asked: list[Any] = []
    inner = operation.checks

    def checks(context: Any, params: Any) -> Any:
        asked.append(params)
        return inner(context, params)

    structs.force_setattr(operation, "checks", checks)
    try:
        assert plain.call(*READ)[0] == 200
        assert not asked
        plain.govern(document(PLAIN, {**PLAIN, "Condition": {"Null": {"dynamodb:LeadingKeys": "true"}}}))
        repeating(plain, READ)
        asked.clear()
        assert plain.call(*READ)[0] == 200
        assert len(asked) == 1
    finally:
        structs.force_setattr(operation, "checks", inner)


def repeating(one: Life, *calls: Call) -> Life:
    for call in calls:
        before = one.repeated
        for _ in range(5):
            assert one.call(*call)[0] == 200
        assert one.repeated > before
    return one


def is_repeated(one: Life, data: bytes) -> bool:
    answers: list[HttpResponse] = []

    async def ask() -> bool:
        return one.pipeline.repeat(data, ARRIVAL, answers.append)

    taken = one.runner.run(ask())
    assert taken == bool(answers)
    return taken


def test_a_repetition_is_answered_as_the_first_was(plain: Life) -> None:
    before = plain.repeated
    assert plain.call(*READ)[0] == 200
    assert plain.repeated == before + 1


def changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert data.count(old) == 1
        return data.replace(old, new)

    return change


def value(name: bytes, make: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The field's value, changed in its place."""

    def change(data: bytes) -> bytes:
        at = data.index(name + b": ") + len(name) + 2
        end = data.index(b"\r\n", at)
        return data[:at] + make(data[at:end]) + data[end:]

    return change


def over(text: bytes) -> Callable[[bytes], bytes]:
    """A value of the same length with that at its end."""
    return lambda old: old[: -len(text)] + text


ID, TRACE = b"amz-sdk-invocation-id", b"x-amzn-trace-id"


@pytest.mark.parametrize(
    ("tamper", "status"),
    [
        (changed(b'{"S": "a', b'{"S": "b'), 400),
        (changed(b'{"S": "a', b'{"S": "ab'), None),
        (lambda data: data + b" ", None),
        (lambda data: data[:-1], None),
        (lambda data: data + data, None),
        (lambda data: b"\r\n" + data, None),
        (changed(b"orders", b"others"), 400),
        (value(b"x-amz-date", lambda old: old[:-2] + (b"1Z" if old[-2:-1] == b"0" else b"0Z")), 400),
        (value(b"x-amz-date", over(b"\xb2Z")), None),
        (value(b"x-amz-date", lambda old: b"20200101" + old[8:]), 400),
        (value(b"authorization", lambda old: old[:-64] + old[-64:].upper()), None),
        (value(b"authorization", over(b"g")), None),
        (value(b"authorization", over(b"\xe9")), None),
        (value(b"authorization", over(b"\r\nx: y")), None),
        (value(b"content-length", lambda old: b"0" + old[1:]), None),
        (value(b"content-length", lambda old: b"+" + old), None),
        (value(ID, lambda old: old[::-1]), 400),
        (value(ID, over(b"\r\nx-amz-security-token:x")), None),
        (value(TRACE, over(b"\nhost:x")), None),
        (value(TRACE, over(b" ")), None),
        (value(TRACE, over(b"\x00")), None),
        (value(TRACE, over(b"\xe9")), None),
        (changed(b"GetItem", b"PutItem"), 400),
        (value(b"host", over(b"7")), 400),
        (value(b"content-type", over(b"1")), 400),
        (value(b"user-agent", over(b"!")), 200),
        (changed(b"user-agent: test", b"user_agent: test"), 200),
        (changed(b"user-agent: test\r\n", b""), 200),
        (changed(b"\r\n\r\n", b"\r\nx-amz-other: 1\r\n\r\n"), 400),
        (changed(b"\r\n\r\n", b"\r\nx-other: 1\r\n\r\n"), 200),
        (changed(b"POST / ", b"POST /?"), None),
        (changed(b"POST /", b"post /"), None),
    ],
)
def test_what_is_unlike_in_one_byte_is_no_repetition(
    plain: Life, tamper: Callable[[bytes], bytes], status: int | None
) -> None:
    """And by the whole way it is what it would have been, where it is a request at all (`status`)."""
    data = tamper(sent(plain.request(*READ)))
    assert not is_repeated(plain, data)
    request = whole_request(data)
    if status is not None:
        assert request is not None

        async def ask() -> HttpResponse:
            return await plain.pipeline.handle(request, ARRIVAL)

        assert plain.runner.run(ask()).status == status
    repeating(plain, READ)


@pytest.mark.parametrize("form", [b"+%b", b"0%b"])
def test_a_length_that_only_a_lenient_reader_takes_is_no_repetition(plain: Life, form: bytes) -> None:
    """It stands where the length of a longer body stood."""
    short = plain.request("GetItem", {**NAME, "Key": {}})
    assert len(short.body) < 100 <= len(plain.request(*READ).body)
    assert not is_repeated(plain, value(b"content-length", lambda old: form % old)(sent(short)))


def test_a_head_with_the_signature_of_another_body_is_no_repetition(plain: Life) -> None:
    one, other = (
        sent(plain.request("GetItem", {**NAME, "Key": {**KEY, "p": {"S": text * 60}}})) for text in "ab"
    )
    head, body = one.partition(b"\r\n\r\n")[0], other.partition(b"\r\n\r\n")[2]
    assert not is_repeated(plain, head + b"\r\n\r\n" + body)
    assert is_repeated(plain, one)
    assert is_repeated(plain, other)


@pytest.mark.parametrize("hashed", [False, True], ids=["of another body", "of this body"])
def test_a_hash_of_the_body_that_is_sent_must_be_the_bodys(plain: Life, *, hashed: bool) -> None:
    """As some SDKs send it, not signed: AWS compares it with what came."""
    from hashlib import sha256

    def with_hash(body: bytes) -> bytes:
        request = plain.request(*READ)
        line = b"\r\nx-amz-content-sha256: " + sha256(body).hexdigest().encode()
        return sent(request).replace(b"\r\n\r\n", line + b"\r\n\r\n")

    body = json.dumps(READ[1]).encode()
    for _ in range(3):
        request = whole_request(with_hash(body))
        assert request is not None

        async def ask(request: Any = request) -> bool:
            return plain.pipeline.answer_at_once(request, ARRIVAL, lambda response: None)

        assert plain.runner.run(ask())
    assert is_repeated(plain, with_hash(body if hashed else b"{}")) is hashed


def refused(one: Life, call: Call) -> None:
    before = one.repeated
    for _ in range(4):
        assert one.call(*call)[0] == 400
    assert one.repeated == before, "a refusal is the whole way's"


OTHER: Call = ("GetItem", {"TableName": "others", "Key": KEY})
PUT = {"Put": {**NAME, "Item": KEY}}
DELETE = {"Delete": {**NAME, "Key": KEY}}
CHECK = {"ConditionCheck": {**NAME, "Key": KEY, "ConditionExpression": "attribute_exists(p)"}}
OTHERS = TABLE.replace("orders", "others")


@pytest.mark.parametrize(
    ("statement", "allowed", "denied"),
    [
        ({"Resource": OTHERS}, READ, OTHER),
        ({"Resource": f"{OTHERS}/index/*"}, ("Scan", {"TableName": "others"}), ("Scan", {"TableName": "others", "IndexName": "byn"})),
        (
            {"Resource": OTHERS},
            ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [KEY]}}}),
            ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [KEY]}, "others": {"Keys": [KEY]}}}),
        ),
        (
            {"Resource": OTHERS},
            ("BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {"Item": KEY}}]}}),
            ("BatchWriteItem", {"RequestItems": {"others": [{"PutRequest": {"Item": KEY}}]}}),
        ),
        (
            {"Action": "dynamodb:DeleteItem"},
            ("TransactWriteItems", {"TransactItems": [PUT]}),
            ("TransactWriteItems", {"TransactItems": [DELETE]}),
        ),
        (
            {"Action": "dynamodb:ConditionCheckItem"},
            ("TransactWriteItems", {"TransactItems": [PUT]}),
            ("TransactWriteItems", {"TransactItems": [{"Put": {**PUT["Put"], "Item": {**KEY, "s": {"N": "2"}}}}, CHECK]}),
        ),
        (
            {"Resource": OTHERS},
            ("TransactGetItems", {"TransactItems": [{"Get": READ[1]}]}),
            ("TransactGetItems", {"TransactItems": [{"Get": READ[1]}, {"Get": OTHER[1]}]}),
        ),
        ({"Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["b"]}}}, READ, ("GetItem", {**NAME, "Key": {**KEY, "p": {"S": "b"}}})),
        (
            {"Condition": {"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["secret"]}}},
            READ,
            ("GetItem", {**READ[1], "ProjectionExpression": "secret"}),
        ),
        (
            {"Condition": {"StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}}},
            READ,
            ("GetItem", {**READ[1], "ProjectionExpression": "p"}),
        ),
        (
            {"Condition": {"StringEquals": {"dynamodb:ReturnValues": "ALL_OLD"}}},
            ("PutItem", {**NAME, "Item": KEY}),
            ("PutItem", {**NAME, "Item": KEY, "ReturnValues": "ALL_OLD"}),
        ),
        (
            {"Condition": {"Null": {"dynamodb:Attributes": "false"}}},
            ("Scan", NAME),
            ("Scan", {**NAME, "ProjectionExpression": "p"}),
        ),
    ],
    ids=[
        "table", "index", "a second table read", "table written", "kind of action", "a second action", "a second read",
        "partition key", "attribute", "selection", "return values", "a key that is there or not",
    ],
)  # fmt: skip
def test_what_the_body_asks_for_is_decided_for_itself(
    running: Life, statement: dict[str, Any], allowed: Call, denied: Call
) -> None:
    running.govern(document(PLAIN, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*", **statement}))
    repeating(running, allowed)
    refused(running, denied)
    repeating(running, allowed)
    running.govern(document(PLAIN))
    repeating(running, denied)
    running.govern(document(PLAIN, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*", **statement}))
    refused(running, denied)


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:EpochTime"])
def test_a_decision_that_depends_on_the_time_is_made_each_time(
    running: Life, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    from datetime import UTC, datetime, timedelta

    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
    texts = {
        "aws:CurrentTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(end.timestamp())),
    }
    operator = "DateLessThan" if key == "aws:CurrentTime" else "NumericLessThan"
    running.govern(document({**PLAIN, "Condition": {operator: {key: texts[key]}}}))
    repeating(running, READ)
    monkeypatch.setattr(running.pipeline, "_clock", lambda: end + timedelta(seconds=1))
    refused(running, READ)


def test_what_is_out_of_bounds_is_refused_though_the_table_is_allowed(plain: Life) -> None:
    query = {**NAME, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    repeating(plain, ("Query", query))
    for more in ({"Limit": 0}, {"Select": "WRONG"}, {"IndexName": "a b"}, {"TableName": "x"}):
        assert plain.call("Query", {**query, **more})[0] == 400


def test_what_the_checks_would_have_refused_first_is_answered_with_their_error(plain: Life) -> None:
    """And recorded without decisions, as of a request that was never asked about."""
    good: Call = ("UpdateItem", {**NAME, "Key": KEY, "UpdateExpression": "REMOVE v"})
    bad: Call = ("UpdateItem", {**NAME, "Key": {"p": {"X": LONG}}, "UpdateExpression": "SET"})
    first = plain.call(*bad)
    assert b"AttributeValue is empty" in first[2]
    repeating(plain, good)
    before = plain.repeated
    assert plain.call(*bad) == first
    assert plain.repeated == before + 1
    assert not first[4]


def test_heads_that_never_repeat_do_not_pile_up(plain: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casemate.gateway.repetition._MOST_HEADS", 5)
    plain.govern(document(PLAIN))
    repeating(plain, READ)
    way: Any = plain.pipeline._readmission._way(ARRIVAL)  # pyright: ignore[reportPrivateUsage]
    found: Repetitions = way.repetitions
    for number in range(20):
        request = plain.request(*READ)
        data = sent(request).replace(b"user-agent: test", b"user-agent: %d" % number)
        made = whole_request(data)
        assert made is not None

        async def ask(made: Any = made) -> bool:
            return plain.pipeline.answer_at_once(made, ARRIVAL, lambda response: None)

        assert plain.runner.run(ask())
    assert found._heads == 5  # pyright: ignore[reportPrivateUsage]
    repeating(plain, READ)


def test_what_it_hands_on_is_what_this_request_sent(plain: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace goes to the operation; nobody finds the first request's ids or body in a later one."""
    operation: Any = plain.pipeline._services["dynamodb"].operations.by_name["GetItem"]  # pyright: ignore[reportPrivateUsage]
    seen: list[Any] = []
    inner = operation.handler

    def handler(context: Any, params: Any) -> Any:
        seen.append(context)
        return inner(context, params)

    structs.force_setattr(operation, "handler", handler)
    try:
        request = plain.request(*READ)
        before = plain.repeated
        assert is_repeated(plain, sent(request))
        assert plain.repeated == before + 1
    finally:
        structs.force_setattr(operation, "handler", inner)
    assert seen[0].trace == request.headers["x-amzn-trace-id"]
    way: Any = plain.pipeline._readmission._way(ARRIVAL)  # pyright: ignore[reportPrivateUsage]
    kept = [one for forms in way.repetitions._forms.values() for form in forms for one in form.known.values()]
    assert kept
    for one in kept:
        fields = one.learned.request.headers.lowered
        assert fields["host"] == HOST
        assert not one.learned.request.body
        assert fields.keys().isdisjoint({"authorization", "x-amz-date", "x-amzn-trace-id", "amz-sdk-invocation-id", "content-length"})  # fmt: skip


@pytest.mark.parametrize("name", ["x-%d", "x-%b", "x-%s%", "x-%%"])
def test_a_signed_field_may_have_a_percent_sign_in_its_name(plain: Life, name: str) -> None:
    """A token has any of them (RFC 9110, section 5.6.2)."""
    before = plain.repeated
    for _ in range(4):
        assert plain.call(*READ, more={name: "%b%"})[0] == 200
    assert plain.repeated == before + 2


def test_what_repetitions_take_is_bounded_however_long_their_heads_are(
    plain: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all ways together: functions choose their heads, and come from many addresses."""
    monkeypatch.setattr("casemate.gateway.readmission._MOST_HELD", 200_000)
    plain.govern(document(PLAIN))
    for number in range(20):
        for _ in range(4):
            assert plain.call(*READ, more={"x-long": f"{number:04}" * 2000})[0] == 200
    heads = kept(plain)
    assert 1 < len(heads) < 8
    plain.govern(document(PLAIN))
    repeating(plain, READ)


def test_what_is_known_of_combinations_of_tables_is_bounded(
    plain: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casemate.gateway.readmission._MOST_HELD", 100_000)
    plain.govern(document(PLAIN))
    for number in range(40):
        kinds = f"{number:030b}".replace("0", "P").replace("1", "D")
        actions = [PUT if kind == "P" else DELETE for kind in kinds]
        apart = [
            {kind: {**given, ("Item" if kind == "Put" else "Key"): {**KEY, "s": {"N": str(place + 100)}}}}
            for place, action in enumerate(actions)
            for kind, given in action.items()
        ]
        assert plain.call("TransactWriteItems", {"TransactItems": apart})[0] == 200
    decided = sum(len(asked) for one in kept(plain) for asked in one.decided)
    assert 0 < decided < 500


def test_a_caller_who_signs_an_endless_list_of_headers_is_not_kept(plain: Life) -> None:
    before = plain.readmitted
    for _ in range(4):
        assert plain.call(*READ, more={f"x-{number}": "1" for number in range(1000)})[0] == 200
    assert plain.readmitted == before


def test_the_decisions_that_are_kept_of_a_caller_are_bounded(
    running: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many tables there are times partition keys."""
    monkeypatch.setattr("casemate.gateway.kept_decisions._MOST_ANSWERS", 20)
    running.govern(
        document(PLAIN, {**PLAIN, "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "x"}}})
    )
    for number in range(50):
        for name in ("orders", "others"):
            assert (
                running.call("GetItem", {"TableName": name, "Key": {**KEY, "p": {"S": f"{number:060}"}}})[0]
                == 200
            )
    callers: Any = running.pipeline._readmission._callers  # pyright: ignore[reportPrivateUsage]
    ((_, caller),) = callers.items()
    assert 0 < sum(len(answers.by_values) for answers in caller.decisions._kept.values()) <= 20


def kept(one: Life) -> list[Any]:
    way: Any = one.pipeline._readmission._way(ARRIVAL)  # pyright: ignore[reportPrivateUsage]
    return [
        found for forms in way.repetitions._forms.values() for form in forms for found in form.known.values()
    ]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("PutItem", {**NAME, "Item": {**KEY, "p": "DEEP"}}),
        ("GetItem", {**NAME, "Key": {**KEY, "p": "DEEP"}}),
        ("ExecuteStatement", {"Statement": "SELECT * FROM orders WHERE p = ?", "Parameters": ["DEEP"]}),
    ],
)
def test_a_value_as_deep_as_the_decoder_reads_is_refused_as_the_clients_fault(
    plain: Life, operation: str, params: dict[str, Any]
) -> None:
    def request(levels: int) -> HttpRequest:
        deep = '{"M":{"a":' * levels + '{"S":"x"}' + "}}" * levels
        return plain.request(operation, {}, body=json.dumps(params).replace('"DEEP"', deep).encode())

    async def ask(levels: int) -> int:
        return (await plain.pipeline.handle(request(levels), ARRIVAL)).status

    assert [plain.runner.run(ask(levels)) for levels in range(430, 500)] == [400] * 70
