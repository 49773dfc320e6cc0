"""The platform's own log lines, and the payloads of failures that the runtime did not report itself. Pure.

Formats as CloudWatch Logs shows them for functions with `LogFormat: Text`: Lambda Developer Guide, "Working with Lambda
function logs" (START, END, REPORT), and "Troubleshoot execution issues in Lambda" (time-outs, exits).
"""

from __future__ import annotations

import json
import math
from datetime import datetime

from msgspec import Struct

from casemate.execution.function import Failure

TAIL_BYTES = 4096
"""`X-Amz-Log-Result` holds the last 4 KB of the log."""


class Usage(Struct, frozen=True, kw_only=True):
    """What an invocation took."""

    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    """Only for the first invocation of an environment."""
    restore_ms: float | None = None
    """Instead of it, for the first invocation of an environment that began from a snapshot."""
    billed_restore_ms: float | None = None
    """What of that was the runtime's and its hooks'."""

    @property
    def billed_ms(self) -> int:
        """Initialization is billed (since August 2025, for all functions), and so are a restore's hooks.

        A duration of 2338.66 ms with a billed restore of 182 ms is billed as 2521 ms: observed, in the README of
        aws-samples' SIP media application with a language model (2023).
        """
        return math.ceil(self.duration_ms + (self.init_ms or 0) + (self.billed_restore_ms or 0))


def start_line(request_id: str, version: str) -> str:
    """Precedes what an invocation logs."""
    return f"START RequestId: {request_id} Version: {version}\n"


def end_line(request_id: str) -> str:
    """Follows what an invocation logs."""
    return f"END RequestId: {request_id}\n"


def report_line(request_id: str, usage: Usage, *, status: str = "", error_type: str = "") -> str:
    """The REPORT line."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {usage.duration_ms:.2f} ms",
        f"Billed Duration: {usage.billed_ms} ms",
        f"Memory Size: {usage.memory_mb} MB",
        f"Max Memory Used: {usage.used_mb} MB",
    ]
    if usage.init_ms is not None:
        fields.append(f"Init Duration: {usage.init_ms:.2f} ms")
    if usage.restore_ms is not None:
        fields.append(f"Restore Duration: {usage.restore_ms:.2f} ms")
        fields.append(f"Billed Restore Duration: {math.ceil(usage.billed_restore_ms or 0)} ms")
    if status:
        fields.append(f"Status: {status}")
    if error_type:
        fields.append(f"Error Type: {error_type}")
    return "\t".join(fields) + "\t\n"


def init_report_line(duration_ms: float, *, phase: str, status: str, error_type: str = "") -> str:
    """Logged when initialization fails; `phase` is `init`, or `invoke` for the second attempt.

    Of one that succeeds, where it is logged at all, only the duration: what follows it is "error information".
    """
    if status == "success":
        return f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\n"
    line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return line + (f"\tError Type: {error_type}\n" if error_type else "\n")


def restore_report_line(duration_ms: float, *, status: str, error_type: str = "") -> str:
    """`status` and `error_type` only when the restore failed: Lambda Developer Guide, "Failures during the Restore phase"."""
    line = f"RESTORE_REPORT Restore Duration: {duration_ms:.2f} ms"
    line += f"\tStatus: {status}" if status != "success" else ""
    return line + (f"\tError Type: {error_type}\n" if error_type else "\n")


def failure_message(failure: Failure, *, timeout_seconds: float = 0, exit_status: int | None = None) -> str:
    """What went wrong, without the request id. A negative status is a signal, as Python has it."""
    if failure is Failure.TIMEOUT:
        return f"Task timed out after {timeout_seconds:.2f} seconds"
    if failure is Failure.OUT_OF_MEMORY:
        return "Runtime exited with error: signal: killed"
    if not exit_status:
        return "Runtime exited without providing a reason"
    if exit_status < 0:
        return f"Runtime exited with error: signal: {_SIGNALS.get(-exit_status, str(-exit_status))}"
    return f"Runtime exited with error: exit status {exit_status}"


# As Go prints them (AWS's supervisor is written in it): src/syscall/zerrors_linux_amd64.go.
_SIGNALS = {
    1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 6: "aborted", 7: "bus error",
    8: "floating point exception", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 15: "terminated",
}  # fmt: skip


def failure_payload(failure: Failure, request_id: str, message: str) -> bytes:
    """The payload that a caller gets for a failure of the environment."""
    text = f"RequestId: {request_id} Error: {message}"
    return json.dumps({"errorType": failure.value, "errorMessage": text}, separators=(",", ":")).encode()


def too_large_payload(size: int, limit: int) -> bytes:
    """The payload that a caller gets instead of a response past the limit (wording of AWS's runtime emulator)."""
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    content = {"errorMessage": message, "errorType": Failure.RESPONSE_TOO_LARGE.value}
    return json.dumps(content, separators=(",", ":")).encode()


def failure_line(failure: Failure, request_id: str, message: str, now: datetime) -> str:
    """The log line that explains a failure."""
    if failure is Failure.TIMEOUT:
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        return f"{stamp} {request_id} {message}\n\n"
    return f"RequestId: {request_id} Error: {message}\n{failure.value}\n"


def tail(log: str) -> bytes:
    """The last 4 KB."""
    return log.encode("utf-8", "replace")[-TAIL_BYTES:]
