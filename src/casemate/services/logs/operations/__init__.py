"""The operations of CloudWatch Logs."""

from casemate.services.logs.operations import filtering, groups, reading, streams, tags, writing
from casemate.services.logs.operations.registry import OPERATIONS

__all__ = ["OPERATIONS", "filtering", "groups", "reading", "streams", "tags", "writing"]
