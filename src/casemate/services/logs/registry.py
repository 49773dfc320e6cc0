"""The registry of CloudWatch Logs' operations; `operations` fills it when it is first looked into."""

from __future__ import annotations

from casemate.servicekit.service import Operations
from casemate.services.logs.state import LogsState

OPERATIONS: Operations[LogsState] = Operations("logs", package="casemate.services.logs.operations")
