"""The operations of IAM. Each is checked against botocore's model of its input before it runs."""

from __future__ import annotations

from casemate.servicekit.constrained import ConstrainedOperations
from casemate.servicekit.constraints import message
from casemate.services.iam.errors import validation_error
from casemate.services.iam.state import IamState

operations = ConstrainedOperations[IamState](
    "iam", package="casemate.services.iam.operations", refuse=lambda found: validation_error(message(found))
)
