"""The operations of STS. Each is checked against botocore's model of its input before it runs."""

from __future__ import annotations

from casemate.servicekit.constrained import ConstrainedOperations
from casemate.servicekit.constraints import message
from casemate.services.sts.errors import validation_error
from casemate.services.sts.state import StsState

operations = ConstrainedOperations[StsState](
    "sts", package="casemate.services.sts.operations", refuse=lambda found: validation_error(message(found))
)
