"""The registry of Lambda's operations; `operations` fills it when it is first looked into."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.servicekit.constrained import ConstrainedOperations
from casemate.servicekit.constraints import Violation, message
from casemate.services.lambda_ import errors
from casemate.services.lambda_.state import LambdaState


def _refused(violations: list[Violation]) -> AwsError:
    """What the model forbids: Lambda's ValidationException, but for the runtime's name."""
    for one in violations:
        if one.path == "runtime":
            return errors.invalid(
                f"Value {one.value} at 'runtime' failed to satisfy constraint: {one.rule} or be a valid ARN"
            )
    return AwsError("ValidationException", message(violations))


OPERATIONS: ConstrainedOperations[LambdaState] = ConstrainedOperations(
    "lambda", package="casemate.services.lambda_.operations", refuse=_refused
)
