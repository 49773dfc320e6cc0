"""What decoders are not given, and that Python's collector is as it was after them."""

from __future__ import annotations

import gc
import time

import pytest

from casemate.wire import long_bodies
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.json_input import decode_json
from casemate.wire.long_bodies import check_containers, collector_paused
from casemate.wire.mismatch import Mismatch
from casemate.wire.parser import form_fields
from casemate.wire.query_input import LONGEST_FORM, MOST_FIELDS, tree_of


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(long_bodies, "MOST_CONTAINERS", 10)
    return 10


@pytest.mark.parametrize("part", [b"[]", b'{"a":1}', b"[[]]", b'["]"]'])
def test_a_document_has_so_many_containers_and_no_more(most: int, part: bytes) -> None:
    each = 2 if part == b"[[]]" else 1
    fits = b"[" + b",".join([part] * ((most - 1) // each)) + b"]"
    assert decode_json(fits)
    with pytest.raises(Mismatch, match="more than 10 structures and lists"):
        decode_json(fits[:-1] + b"," + part + b"," + part + b"]")


@pytest.mark.parametrize("text", ["[" * 100, '{"a":[' * 50, '\\"[' * 50, "\\" * 101 + "[" * 50, '"', "\n["])
def test_brackets_in_strings_are_no_containers(most: int, text: str) -> None:
    import json

    assert decode_json(json.dumps([text, {text: text}, "]" * 20]).encode()) == [text, {text: text}, "]" * 20]
    with pytest.raises(Mismatch):
        check_containers(json.dumps([text, *[[]] * most]).encode())


@pytest.mark.parametrize("end", [b"", b"\\"], ids=["open", "escaped"])
def test_a_string_that_is_not_closed_costs_what_it_is_long(most: int, end: bytes) -> None:
    """Lambda's bodies come here before it is known whether they are JSON."""
    body = b"[" * (most + 1) + b'"' + b'\\"' * 20_000 + end
    started = time.process_time()
    with pytest.raises(Mismatch):
        decode_json(body)
    assert time.process_time() - started < 2, "trying each quote takes ten seconds"


def test_so_many_strings_are_looked_through_and_no_more(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(long_bodies, "MOST_STRINGS", 5)
    text = b'"' + b"[" * (most + 1) + b'"'
    assert decode_json(b"[" + b",".join([text] * 4) + b"]")
    with pytest.raises(Mismatch):
        decode_json(b"[" + b",".join([text] * 5) + b"]")
    assert decode_json(b"[" + b",".join([b'""'] * 100) + b"]"), "only where there may be too many containers"


def test_the_collector_waits_for_a_long_body_and_goes_on() -> None:
    long = b" " * (1 << 20)
    with collector_paused(long):
        assert not gc.isenabled()
        with collector_paused(long):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(Mismatch):
        decode_json(long + b"[1,]")
    assert gc.isenabled()
    with collector_paused(b"{}"):
        assert gc.isenabled()


def form(body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", path="/", headers=Headers(), body=body)


def test_a_form_has_so_many_bytes_fields_and_branches() -> None:
    assert len(form_fields(form(b"a=1&" * (MOST_FIELDS - 1) + b"a=1"))) == MOST_FIELDS
    assert form_fields(form(b"a=" + b"1" * (LONGEST_FORM - 2)))
    for body in (b"a=1&" * MOST_FIELDS + b"a=1", b"a=" + b"1" * (LONGEST_FORM - 1)):
        with pytest.raises(Mismatch):
            form_fields(form(body))
    name = ".".join("a" * 60)
    assert tree_of([(f"{name}.{number}", "") for number in range(8000)])
    with pytest.raises(Mismatch, match="more parameters"):
        tree_of([(f"{name}.{number}", "") for number in range(9000)])
