"""The platform's log lines, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from casemate.execution import report
from casemate.execution.function import Failure

ID = "c2ae4b9c-6b1a-4d0d-9b0e-8c5f0d1f2a3b"


def test_lines_of_a_cold_invocation() -> None:
    usage = report.Usage(duration_ms=2.4449, memory_mb=128, used_mb=38, init_ms=103.956)
    assert report.start_line(ID, "$LATEST") == f"START RequestId: {ID} Version: $LATEST\n"
    assert report.end_line(ID) == f"END RequestId: {ID}\n"
    assert report.report_line(ID, usage) == (
        f"REPORT RequestId: {ID}\tDuration: 2.44 ms\tBilled Duration: 107 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 38 MB\tInit Duration: 103.96 ms\t\n"
    )


def test_lines_of_a_restore() -> None:
    """Observed: the README of aws-samples' SIP media application with a language model; failures are the guide's examples."""
    usage = report.Usage(
        duration_ms=2338.66, memory_mb=3009, used_mb=173, restore_ms=398.97, billed_restore_ms=182
    )
    assert report.report_line(ID, usage) == (
        f"REPORT RequestId: {ID}\tDuration: 2338.66 ms\tBilled Duration: 2521 ms\tMemory Size: 3009 MB\t"
        "Max Memory Used: 173 MB\tRestore Duration: 398.97 ms\tBilled Restore Duration: 182 ms\t\n"
    )
    line = report.restore_report_line
    assert line(398.97, status="success") == "RESTORE_REPORT Restore Duration: 398.97 ms\n"
    assert line(1236.04, status="timeout") == "RESTORE_REPORT Restore Duration: 1236.04 ms\tStatus: timeout\n"
    assert line(1236.04, status="error", error_type="Runtime.ExitError") == (
        "RESTORE_REPORT Restore Duration: 1236.04 ms\tStatus: error\tError Type: Runtime.ExitError\n"
    )


def test_a_warm_report_has_no_init_duration_and_a_failed_one_has_a_status() -> None:
    usage = report.Usage(duration_ms=3000, memory_mb=256, used_mb=40)
    line = report.report_line(ID, usage, status="timeout")
    assert line == (
        f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 256 MB\t"
        "Max Memory Used: 40 MB\tStatus: timeout\t\n"
    )


@pytest.mark.parametrize(
    ("failure", "status", "expected"),
    [
        (Failure.TIMEOUT, None, "Task timed out after 3.00 seconds"),
        (Failure.EXIT, 0, "Runtime exited without providing a reason"),
        (Failure.EXIT, None, "Runtime exited without providing a reason"),
        (Failure.EXIT, 3, "Runtime exited with error: exit status 3"),
        (Failure.EXIT, -9, "Runtime exited with error: signal: killed"),
        (Failure.EXIT, -11, "Runtime exited with error: signal: segmentation fault"),
        (Failure.OUT_OF_MEMORY, None, "Runtime exited with error: signal: killed"),
    ],
)
def test_failure_messages(failure: Failure, status: int | None, expected: str) -> None:
    assert report.failure_message(failure, timeout_seconds=3, exit_status=status) == expected


def test_a_time_out_is_told_to_the_caller_and_to_the_log() -> None:
    message = report.failure_message(Failure.TIMEOUT, timeout_seconds=3)
    assert json.loads(report.failure_payload(Failure.TIMEOUT, ID, message)) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 3.00 seconds",
    }
    at = datetime(2026, 11, 21, 9, 0, 3, 21_999, tzinfo=UTC)
    line = report.failure_line(Failure.TIMEOUT, ID, message, at)
    assert line == f"2026-11-21T09:00:03.021Z {ID} Task timed out after 3.00 seconds\n\n"


def test_the_tail_is_the_last_four_kilobytes() -> None:
    assert report.tail("a" + "b" * 4096) == b"b" * 4096
    assert report.tail("short") == b"short"
