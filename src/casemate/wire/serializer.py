"""Responses: `serialize` for an operation's output, `serialize_error` for an AwsError."""

from __future__ import annotations

from casemate.wire.error_output import serialize_error
from casemate.wire.output import serialize, serialize_output

__all__ = ["serialize", "serialize_error", "serialize_output"]
