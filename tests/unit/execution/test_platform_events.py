"""What the platform says, as telemetry and as text.

Sources: Lambda Developer Guide, "Lambda Telemetry API Event schema reference"; "Understanding the Lambda execution
environment lifecycle".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casemate.execution import endings, platform_events, report
from casemate.execution.aftermath import Aftermath
from casemate.execution.endings import Ending
from casemate.execution.function import FunctionVersion
from casemate.execution.in_hand import Finished
from casemate.execution.platform_events import PlatformEvent
from casemate.execution.supervisor import init_seconds

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TRACE = "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"
USAGE = report.Usage(duration_ms=200, memory_mb=128, used_mb=40)


def finished(ending: Ending) -> Finished:
    return Finished(
        request_id="r", began=100.0, duration_ms=140.0, produced=16, ending=ending,
        began_at=NOW, trace_id=TRACE, response_began=100.08,
    )  # fmt: skip


def test_the_spans_of_a_runtimes_work() -> None:
    """ "responseLatency [...] to start sending the response", "responseDuration", "runtimeOverhead"."""
    spans = [span.to_json() for span in finished(Ending(failed=False, payload=b"")).spans(100.15)]
    assert spans == [
        {"name": "responseLatency", "start": "2026-11-21T09:00:00.000Z", "durationMs": 80.0},
        {"name": "responseDuration", "start": "2026-11-21T09:00:00.080Z", "durationMs": 60.0},
        {"name": "runtimeOverhead", "start": "2026-11-21T09:00:00.140Z", "durationMs": 10.0},
    ]


def test_the_trace_is_in_all_three_events_of_an_invocation() -> None:
    ok = Ending(failed=False, payload=b"")
    said = [
        platform_events.start("r", "1", TRACE),
        platform_events.runtime_done("r", 1, 2, ok, trace_id=TRACE),
        platform_events.end("r", USAGE, ok, trace_id=TRACE),
    ]
    assert [one.record["tracing"] for one in said] == [{"type": "X-Amzn-Trace-Id", "value": TRACE}] * 3
    untraced = TRACE.replace("Sampled=1", "Sampled=0")
    assert "tracing" not in platform_events.start("r", "1", untraced).record
    assert "tracing" not in platform_events.end("r", USAGE, ok, trace_id=untraced).record


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Runtime.MyCustomErrorTypeHere", "Runtime.MyCustomErrorTypeHere"),
        ("Function.MyCustomErrorTypeHere", "Function.MyCustomErrorTypeHere"),
        ("Function.my", "Function.Unknown"),
        ("MyCustomError.Error", "Runtime.Unknown"),
        ("Unhandled", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ],
)
def test_the_type_that_a_runtime_reports(given: str, shown: str) -> None:
    assert endings.shown_error_type(given) == shown


def test_an_error_that_the_runtime_reported_has_a_type_in_telemetry_and_not_in_the_text() -> None:
    """ "If the status is either failure or error, then the Status object also contains an errorType field"."""
    error = Ending(failed=True, payload=b"{}", reported_type="Runtime.Unknown")
    for event in (platform_events.runtime_done("r", 1, 2, error), platform_events.end("r", USAGE, error)):
        assert (event.record["status"], event.record["errorType"]) == ("error", "Runtime.Unknown")
        assert "Error Type" not in event.text


@pytest.mark.parametrize(
    ("initialization", "status", "text"),
    [
        ("on-demand", "success", ""),
        ("provisioned-concurrency", "success", "INIT_REPORT Init Duration: 1236.04 ms\n"),
        ("on-demand", "timeout", "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout\n"),
    ],
)
def test_an_initialization_that_succeeds_is_reported_when_it_was_asked_for_beforehand(
    initialization: str, status: str, text: str
) -> None:
    event = platform_events.init_report(1236.04, initialization=initialization, phase="init", status=status)
    assert event.text == text
    assert event.record["metrics"] == {"durationMs": 1236.04}


@pytest.mark.parametrize(
    ("phase", "provisioned", "timeout", "seconds"),
    [
        ("init", False, 3, 10),
        ("init", False, 900, 10),
        ("invoke", False, 3, 3),
        ("init", True, 3, 130),
        ("init", True, 900, 900),
    ],
)
def test_how_long_initialization_may_take(phase: str, provisioned: bool, timeout: int, seconds: int) -> None:
    """ "130 seconds or the configured function timeout (maximum 900 seconds), whichever is higher"."""
    function = cast("FunctionVersion", SimpleNamespace(timeout_seconds=timeout))
    assert init_seconds(function, phase=phase, provisioned=provisioned) == seconds


class Log:
    """Keeps the kinds of events, and their spans."""

    def __init__(self) -> None:
        self.events: list[PlatformEvent] = []

    def platform(self, event: PlatformEvent) -> None:
        self.events.append(event)

    def brief(self, _lines: Any, event: Callable[[], PlatformEvent]) -> None:
        self.platform(event())

    def flush(self) -> None:
        """There is nothing to write."""

    @property
    def said(self) -> list[tuple[str, list[str]]]:
        spans: Any = [(one.type.partition(".")[2], one.record.get("spans", ())) for one in self.events]
        return [(kind, [span["name"] for span in found]) for kind, found in spans]


async def test_extensions_hear_that_the_runtime_is_done_when_it_asks_for_more() -> None:
    log = Log()
    aftermath = Aftermath(cast("Any", log), look=lambda _: None, usage=lambda _: USAGE)
    aftermath.begin(finished(Ending(failed=False, payload=b"")), until_back=True)
    assert log.said == []
    aftermath.runtime_back()
    done = ("runtimeDone", ["responseLatency", "responseDuration", "runtimeOverhead"])
    assert log.said == [done]
    aftermath.report()
    assert log.said == [done, ("report", ["extensionOverhead"])]
    aftermath.begin(finished(Ending(failed=True, payload=b"", status="timeout")), until_back=True)
    aftermath.report(timed_out=True)
    assert log.said[2:] == [("runtimeDone", []), ("report", [])], "it never came back"


def test_what_is_only_text_is_no_line_of_a_json_log() -> None:
    fault = platform_events.fault("RequestId: r Error: no\nRuntime.ExitError\n")
    assert fault.to_log(NOW, log_format="JSON", least="DEBUG") == ""
    assert fault.to_json(NOW)["record"] == "RequestId: r Error: no\nRuntime.ExitError"
