"""The extensions of an environment, step by step. Source: "Using the Lambda Extensions API to create extensions"."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casemate.execution.extension_calls import ExtensionCalls
from casemate.execution.extensions import Extension, Extensions, Progress
from casemate.execution.runtime_api import Call, CallKind, Reply


def extensions(*external: str) -> Extensions:
    numbers = itertools.count(1)
    made = Extensions(
        identify=lambda: f"id-{next(numbers)}", about={"functionName": "f"}, account="000000000000"
    )
    made.launched(list(external))
    return made


def registration(name: str, *events: str, features: str = "") -> Call:
    return Call(
        kind=CallKind.REGISTER, name=name, body=json.dumps({"events": events}).encode(), features=features
    )


def registered(of: Extensions, name: str, *events: str) -> Extension:
    reply, extension = of.register(registration(name, *events))
    assert reply.status == 200, reply
    assert extension is not None
    return extension


def refused(of: Extensions, call: Call) -> str:
    reply, extension = of.register(call)
    assert (reply.status, extension) == (403, None)
    return json.loads(reply.body)["errorType"]


def ask(of: Extensions, extension: Extension) -> list[dict[str, Any]]:
    answers: list[Reply] = []
    of.ask(extension, answers.append)
    return [json.loads(one.body) for one in answers]


def test_the_runtime_waits_until_all_have_registered_and_work_until_all_are_ready() -> None:
    both = extensions("a", "b")
    assert not both.all_registered
    first = registered(both, "a", "INVOKE")
    second = registered(both, "b", "SHUTDOWN")
    assert both.all_registered
    assert not both.all_ready
    ask(both, first)
    assert not both.all_ready
    ask(both, second)
    assert both.all_ready


def test_events_go_to_those_who_registered_for_them() -> None:
    both = extensions("a", "b")
    first, second = registered(both, "a", "INVOKE"), registered(both, "b", "SHUTDOWN")
    heard: dict[str, list[str]] = {"a": [], "b": []}
    for extension in (first, second):
        both.ask(
            extension,
            lambda reply, name=extension.name: heard[name].append(json.loads(reply.body)["eventType"]),
        )
    both.tell("INVOKE", {"requestId": "r"})
    assert heard == {"a": ["INVOKE"], "b": []}
    assert (first.progress, second.progress) == (Progress.WORKING, Progress.READY)
    both.dismiss("spindown", 5)
    assert heard == {"a": ["INVOKE"], "b": ["SHUTDOWN"]}


def test_an_event_waits_for_who_has_not_asked_yet() -> None:
    one = extensions("a")
    extension = registered(one, "a", "INVOKE")
    one.tell("INVOKE", {"requestId": "r"})
    assert ask(one, extension) == [{"eventType": "INVOKE", "requestId": "r"}]
    assert not one.all_ready


def test_who_asks_twice_at_a_time_is_refused() -> None:
    one = extensions("a")
    extension = registered(one, "a")
    assert ask(one, extension) == []
    assert ask(one, extension)[0]["errorType"] == "Extension.InvalidExtensionState"


def test_registrations_that_are_refused() -> None:
    one = extensions("a")
    assert refused(one, registration("")) == "Extension.InvalidExtensionName"
    assert refused(one, registration("a", "OTHER")) == "Extension.InvalidEventType"
    assert refused(one, registration("inner", "SHUTDOWN")) == "Extension.InvalidEventType"
    for body in (b"[", b"[]", b'{"events": 1}'):
        assert refused(one, Call(kind=CallKind.REGISTER, name="a", body=body)) == "InvalidRequestFormat"
    registered(one, "a")
    assert refused(one, registration("a")) == "Extension.InvalidExtensionState"
    for number in range(9):
        registered(one, f"inner{number}", "INVOKE")
    assert refused(one, registration("eleventh")) == "Extension.TooManyExtensions"
    one.closed = True
    assert refused(one, registration("late")) == "Extension.RegistrationClosed"


def test_who_says_that_it_fails_is_listened_to_no_more() -> None:
    """ "After Lambda receives the error, no further API calls succeed"."""
    both = extensions("a", "b")
    first, second = registered(both, "a", "INVOKE", "SHUTDOWN"), registered(both, "b", "INVOKE")
    ask(both, second)
    assert not both.all_ready
    accepted = both.failed(first)
    assert (accepted.status, dict(accepted.headers)) == (202, {"Lambda-Extension-Identifier": "id-1"})
    for kind in (CallKind.EXTENSION_NEXT, CallKind.TELEMETRY, CallKind.EXTENSION_EXIT_ERROR):
        reply = both.identified(Call(kind=kind, identifier="id-1"))
        assert isinstance(reply, Reply)
        assert (reply.status, json.loads(reply.body)["errorType"]) == (403, "Extension.InvalidExtensionState")
    assert both.all_ready
    both.tell("SHUTDOWN", {})
    assert first.backlog == []
    assert both.shutdown_seconds == 2, "its process is there still"


@pytest.mark.parametrize("kind", [CallKind.EXTENSION_INIT_ERROR, CallKind.EXTENSION_EXIT_ERROR])
def test_an_error_without_a_type_is_refused(kind: CallKind) -> None:
    """ "Lambda-Extension-Function-Error-Type [...] Required: yes"."""
    one = extensions("a")
    extension = registered(one, "a", "INVOKE")
    answers: list[Reply] = []
    failures: list[tuple[str, str]] = []
    calls = ExtensionCalls(
        one,
        cast("Any", None),
        cast("Any", SimpleNamespace(platform=lambda _: None)),
        on_progress=lambda: None,
        on_failure=lambda failure, why: failures.append((failure.value, why)),
    )
    calls.handle(Call(kind=kind, identifier=extension.identifier), answers.append)
    assert (answers[0].status, json.loads(answers[0].body)["errorType"]) == (403, "Extension.MissingHeader")
    assert failures == []
    typed = Call(kind=kind, identifier=extension.identifier, error_type="Extension.NoConfig")
    calls.handle(typed, answers.append)
    assert answers[1].status == 202
    assert [why for _, why in failures] == ["Extension.NoConfig"]


def test_an_event_names_who_it_is_for_and_itself() -> None:
    """ "Response header: Lambda-Extension-Identifier"; the event's own is the runtime interface emulator's."""
    one = extensions("a")
    extension = registered(one, "a", "INVOKE")
    given: list[Reply] = []
    one.ask(extension, given.append)
    one.tell("INVOKE", {})
    assert [name for name, _ in given[0].headers] == [
        "Lambda-Extension-Identifier", "Lambda-Extension-Event-Identifier",
    ]  # fmt: skip
    assert dict(given[0].headers)["Lambda-Extension-Identifier"] == "id-1"


def test_the_account_is_told_to_who_asks_for_it() -> None:
    reply, _ = extensions().register(registration("inner", "INVOKE", features="x, accountId"))
    assert json.loads(reply.body) == {"functionName": "f", "accountId": "000000000000"}
    assert dict(reply.headers) == {"Lambda-Extension-Identifier": "id-1"}


def test_how_long_shutting_down_may_take() -> None:
    """Source: "Lambda execution environment lifecycle", "Shutdown phase": 0, 500 or 2,000 ms."""
    assert extensions().shutdown_seconds == 0
    inner = extensions()
    registered(inner, "inner", "INVOKE")
    assert inner.shutdown_seconds == 0.5
    outer = extensions("a")
    assert outer.shutdown_seconds == 2
    outer.gone("a")
    assert (outer.shutdown_seconds, outer.external_left, outer.all_ready) == (0, False, True)


def test_callers_are_known_by_their_identifier() -> None:
    one = extensions("a")
    extension = registered(one, "a")
    assert one.identified(Call(kind=CallKind.EXTENSION_NEXT, identifier=extension.identifier)) is extension
    for identifier, error in (("", "MissingHeader"), ("other", "UnknownExtensionIdentifier")):
        reply = one.identified(Call(kind=CallKind.EXTENSION_NEXT, identifier=identifier))
        assert isinstance(reply, Reply)
        assert json.loads(reply.body)["errorType"] == f"Extension.{error}"
