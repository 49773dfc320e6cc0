"""A readmitted request gets the bytes, and leaves the record, that it would get and leave by the whole way.

Two Casemates live the same life: one readmits, the other takes every request from its beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.lives import ARRIVAL, Life, life, policy

from casemate.wire.http import HttpRequest

Call = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def lives() -> Iterator[tuple[Life, Life]]:
    with life(readmits=True) as short, life(readmits=False) as whole:
        yield short, whole


partitions = st.sampled_from(["a", "b", "ü", ""])
numbers = st.sampled_from(["1", "2", "10", "1.50", "x", "-3"])
keys = st.builds(lambda p, s: {"p": {"S": p}, "s": {"N": s}}, partitions, numbers)
values = st.one_of(
    st.sampled_from(["", "text", '":null', "ü\n"]).map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": number}),
    st.sampled_from([{"BOOL": True}, {"NULL": True}, {"B": "aGk="}, {"SS": ["b", "a"]}, {"L": [{"S": "x"}]}, {"M": {"k": {"N": "01"}}},
                     {"S": "x", "N": "1"}, {"X": "y"}, "wrong", None]),
)  # fmt: skip
items = st.builds(
    lambda key, more: {**key, **more}, keys, st.dictionaries(st.sampled_from("vwx"), values, max_size=3)
)
NAME = {"TableName": "orders"}
conditions = st.sampled_from([
    {}, {}, {"ConditionExpression": "attribute_not_exists(p)"}, {"ConditionExpression": "v ="},
    {"ConditionExpression": "#v = :v", "ExpressionAttributeNames": {"#v": "v"}, "ExpressionAttributeValues": {":v": {"S": "text"}}},
    {"ExpressionAttributeNames": {"#unused": "v"}}, {"ReturnValues": "ALL_OLD"}, {"ReturnConsumedCapacity": "TOTAL"},
    {"ReturnValues": "WRONG"}, {"Unknown": 1},
])  # fmt: skip
updates = st.sampled_from([
    {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"},
    {"UpdateExpression": "SET v = :v REMOVE w", "ExpressionAttributeValues": {":v": {"L": []}}},
    {"UpdateExpression": "SET p = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}},
    {"AttributeUpdates": {"v": {"Value": {"S": "old"}, "Action": "PUT"}}},
])  # fmt: skip
queries = st.sampled_from([{}, {"Limit": 1}, {"Limit": 0}, {"ScanIndexForward": False}, {"ProjectionExpression": "v"}, {"Select": "COUNT"},
                           {"IndexName": "none"}])  # fmt: skip
calls: st.SearchStrategy[Call] = st.one_of(
    st.builds(lambda item, more: ("PutItem", {**NAME, "Item": item, **more}), items, conditions),
    st.builds(lambda key, more: ("GetItem", {**NAME, "Key": key, **more}), keys, st.sampled_from([{}, {"ProjectionExpression": "v"}])),
    st.builds(lambda key, more: ("DeleteItem", {**NAME, "Key": key, **more}), keys, conditions),
    st.builds(lambda key, more: ("UpdateItem", {**NAME, "Key": key, **more}), keys, updates),
    st.builds(
        lambda p, more: ("Query", {**NAME, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": p}}, **more}),
        partitions, queries,
    ),
    st.builds(lambda more: ("Scan", {**NAME, **more}), queries),
    st.builds(
        lambda many: ("BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {"Item": one}} for one in many]}}),
        st.lists(items, max_size=3),
    ),
    st.builds(
        lambda many: ("TransactWriteItems", {"TransactItems": [{"Put": {**NAME, "Item": one}} for one in many]}),
        st.lists(items, max_size=3),
    ),
    st.builds(lambda many: ("BatchGetItem", {"RequestItems": {"orders": {"Keys": many}}}), st.lists(keys, max_size=3)),
    st.just(("DescribeTable", {"TableName": "absent"})),
)  # fmt: skip
steps = st.lists(
    st.one_of(calls, calls, calls, st.sampled_from(["a", "b", "nothing"])), min_size=1, max_size=12
)


@settings(max_examples=120, deadline=None)
@given(steps)
def test_both_ways_answer_alike_and_leave_the_same_record(
    lives: tuple[Life, Life], steps: list[Call | str]
) -> None:
    short, whole = lives
    for step in steps:
        if isinstance(step, str):
            short.forbid(step)
            whole.forbid(step)
        else:
            assert short.call(*step) == whole.call(*step), step


PLAIN = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}}
)


@pytest.mark.parametrize("document", [PLAIN, policy("a")], ids=["nothing of a request read", "keys read"])
def test_what_repeats_is_answered_and_recorded_as_if_each_was_the_first(
    lives: tuple[Life, Life], document: str
) -> None:
    """With no change in between most are repetitions, whose checks are asked for only when they fail."""
    short, whole = lives
    for one in lives:
        one.govern(document)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(calls, min_size=1, max_size=12))
    def alike(steps: list[Call]) -> None:
        for step in steps:
            assert short.call(*step) == whole.call(*step), step

    before = short.repeated
    alike()
    assert short.repeated > before + 50


def test_requests_are_readmitted_until_a_record_changes(lives: tuple[Life, Life]) -> None:
    short, _ = lives
    short.forbid("nothing")
    item = ("PutItem", {**NAME, "Item": {"p": {"S": "a"}, "s": {"N": "1"}}})
    short.call(*item)
    before = short.readmitted
    short.call(*item)
    short.call(*item)
    assert short.readmitted >= before + 1
    short.forbid("a")
    assert short.call(*item)[0] == 400
    assert short.call(*item)[0] == 400
    short.forbid("nothing")
    assert short.call(*item)[0] == 200


def test_a_key_that_is_disabled_while_its_request_waits_is_not_readmitted(
    lives: tuple[Life, Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pipeline found out about a request may be out of date when the request ends."""
    short, _ = lives
    short.forbid("nothing")
    read = ("GetItem", {**NAME, "Key": {"p": {"S": "a"}, "s": {"N": "1"}}})
    key = short.credentials.access_key
    nested = short.request(*read)

    async def meanwhile() -> None:
        monkeypatch.undo()
        short.iam.update_access_key(UserName="user", AccessKeyId=key, Status="Inactive")
        await short.pipeline.handle(nested, ARRIVAL)

    monkeypatch.setattr(short.pipeline, "_settled", meanwhile)
    try:
        assert short.call(*read)[0] == 200
        assert short.call(*read)[0] == 400
    finally:
        short.iam.update_access_key(UserName="user", AccessKeyId=key, Status="Active")


def test_the_target_of_another_service_is_not_taken_for_its_own(lives: tuple[Life, Life]) -> None:
    """A request signed for KMS is KMS's, whatever its target begins with; nobody else's target means that after it."""
    short, whole = lives
    for one in (short, whole):
        one.iam.put_user_policy(
            UserName="user",
            PolicyName="keys",
            PolicyDocument=policy("nothing").replace("dynamodb:*", "kms:*"),
        )
    for one in (short, whole):
        one.call("ListTables", {})
        assert one.call("ListKeys", {}, service="kms")[0] == 200
        assert one.call("ListTables", {})[0] == 200
    assert short.call("ListKeys", {}) == whole.call("ListKeys", {})
    assert short.call("ListKeys", {})[0] == 400


FUNCTIONS = "/2015-03-31/functions"
rests = st.tuples(
    st.sampled_from(["GET", "GET", "GET", "PUT", "POST"]),
    st.sampled_from([
        FUNCTIONS, f"{FUNCTIONS}/", f"{FUNCTIONS}?MaxItems=1", f"{FUNCTIONS}/none/invocations", f"{FUNCTIONS}/a%20b",
        "/2016-08-19/account-settings/", "/2016-08-19/account-settings", "/2018-10-31/layers", "/2018-10-31/layers/x/versions",
        "/2020-04-22/code-signing-configs", "/nowhere", "/",
    ]),
    st.sampled_from([b"", b"{}", b"{", b'{"Unknown": 1}', b"Action=ListFunctions&Version=2015-03-31"]),
    st.sampled_from([
        {}, {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"},
        {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
    ]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(rests, min_size=1, max_size=10))
def test_both_ways_answer_alike_where_the_path_names_the_operation(
    lives: tuple[Life, Life], steps: list[tuple[str, str, bytes, dict[str, str]]]
) -> None:
    short, whole = lives
    for method, path, body, headers in steps:
        for _ in range(2):
            answers = [one.rest(method, path, body, **headers) for one in (short, whole)]
            assert answers[0] == answers[1], (method, path, body, headers)


def test_requests_whose_path_names_the_operation_are_readmitted_until_a_record_changes(
    lives: tuple[Life, Life],
) -> None:
    short, _ = lives
    for _ in range(2):
        assert short.rest("GET", FUNCTIONS)[0] == 200
    before = short.readmitted
    assert short.rest("GET", FUNCTIONS)[0] == 200
    assert short.readmitted == before + 1
    short.iam.put_user_policy(
        UserName="user", PolicyName="rest", PolicyDocument=policy("nothing").replace("dynamodb:", "sts:")
    )
    try:
        assert short.rest("GET", FUNCTIONS)[0] == 403
    finally:
        rest = policy("nothing").replace("dynamodb:", "lambda:")
        short.iam.put_user_policy(UserName="user", PolicyName="rest", PolicyDocument=rest)


def test_a_signature_is_good_for_its_own_path_and_method_only(lives: tuple[Life, Life]) -> None:
    short, whole = lives
    for one in (short, whole):
        for _ in range(2):
            assert one.rest("GET", FUNCTIONS)[0] == 200
            assert one.rest("GET", "/2018-10-31/layers")[0] == 200
        signed = one.rest_request("GET", "/2018-10-31/layers", b"")
        moved = HttpRequest(method="GET", path=FUNCTIONS, headers=signed.headers, body=b"")
        assert one.runner.run(one.pipeline.handle(moved, ARRIVAL)).status == 403


def test_no_service_tells_operations_of_one_path_apart_by_headers(lives: tuple[Life, Life]) -> None:
    """What readmission of REST services rests on; a service that breaks it needs more than the path to be known by."""
    session = get_session()
    for name in lives[0].pipeline._services:  # pyright: ignore[reportPrivateUsage]
        model = session.get_service_model(name)
        if model.metadata.get("protocol") != "rest-json":
            continue
        seen: dict[tuple[str, str], str] = {}
        for operation in map(model.operation_model, model.operation_names):
            uri: str = operation.http["requestUri"]
            if "?" in uri or operation.deprecated:
                continue
            place = (operation.http["method"], re.sub(r"\{[^}]*\}", "{}", uri))
            assert place not in seen, (name, operation.name, seen[place])
            seen[place] = operation.name


def test_a_readmitted_request_is_a_use_of_its_key(
    lives: tuple[Life, Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AccessKeyLastUsed tells of it as of any other; it is written at most once a minute."""
    short, _ = lives
    short.forbid("nothing")
    read = ("GetItem", {**NAME, "Key": {"p": {"S": "a"}, "s": {"N": "1"}}})
    short.call(*read)
    short.call(*read)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    monkeypatch.setattr(short.pipeline, "_clock", lambda: later)
    before = short.readmitted
    assert short.call(*read)[0] == 200
    assert short.readmitted == before + 1
    used = short.iam.get_access_key_last_used(AccessKeyId=short.credentials.access_key)["AccessKeyLastUsed"]
    assert used == {"LastUsedDate": later, "ServiceName": "dynamodb", "Region": "us-east-2"}
