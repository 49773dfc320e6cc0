"""The operations of CloudWatch Logs."""

from casemate.services.logs.operations import filtering, groups, reading, streams, tags, writing

__all__ = ["filtering", "groups", "reading", "streams", "tags", "writing"]
