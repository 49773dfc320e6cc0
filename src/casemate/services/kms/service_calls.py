"""What services ask of keys, on record as CloudTrail has it.

Source: DynamoDB Developer Guide, "Monitoring DynamoDB interaction with AWS KMS": which calls, in whose name, with what
parameters; KMS Developer Guide, "Examples of AWS KMS log entries", of RetireGrant.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, uuid4
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import CallRecords, KeyUse, ServiceCall
from casemate.servicekit.service import Context
from casemate.services.kms.records import GrantRecord, KeyRecord

_CHANGING = frozenset({"CreateGrant", "RetireGrant"})
_KEY = "AWS::KMS::Key"


class Answer:
    """What is known of a call when it is over."""

    def __init__(self) -> None:
        self.key: KeyRecord | None = None
        """The key it was about, when there was one."""
        self.parameters: Mapping[str, Any] | None = None
        self.response: Mapping[str, Any] | None = None


class ServiceCalls:
    """`records` None keeps none."""

    def __init__(self, records: CallRecords | None, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._records = records
        self._clock = clock
        self._random_bytes = random_bytes

    @contextmanager
    def on_behalf(self, ctx: Context[Any], operation: str, use: KeyUse) -> Generator[Answer]:
        """A call in the caller's name, on record when it is over, refused or not."""
        answer = Answer()
        try:
            yield answer
        except AwsError as error:
            self._record(ctx, operation, use, answer, error)
            raise
        self._record(ctx, operation, use, answer, None)

    def generated(self, key: KeyRecord, use: KeyUse, now: datetime) -> None:
        """The service made its data key, itself, under its grant."""
        parameters = {
            "encryptionContext": dict(use.encryption_context),
            "keySpec": "AES_256",
            "keyId": key.arn,
        }
        self._own(key, "GenerateDataKey", use, now, parameters=parameters)

    def retired(self, key: KeyRecord, use: KeyUse, grant: GrantRecord) -> None:
        """The service ended its grant."""
        self._own(key, "RetireGrant", use, self._clock(), additional={"grantId": grant.grant_id})

    def _record(
        self, ctx: Context[Any], operation: str, use: KeyUse, answer: Answer, error: AwsError | None
    ) -> None:
        if self._records is None:
            return
        call = ServiceCall(
            service="kms",
            operation=operation,
            by=f"{use.service}.amazonaws.com",
            principal=ctx.principal,
            account=ctx.principal.account,
            region=use.region,
            now=ctx.now,
            request_id=uuid4(self._random_bytes),
            read_only=operation not in _CHANGING,
            parameters=answer.parameters,
            response=None if error is not None else answer.response,
            resources=None if answer.key is None else {answer.key.arn: _KEY},
            error=error,
        )
        self._records.called(call)

    def _own(
        self,
        key: KeyRecord,
        operation: str,
        use: KeyUse,
        now: datetime,
        *,
        parameters: Mapping[str, Any] | None = None,
        additional: Mapping[str, Any] | None = None,
    ) -> None:
        if self._records is None:
            return
        call = ServiceCall(
            service="kms",
            operation=operation,
            by=f"{use.service}.amazonaws.com",
            principal=None,
            account=key.account,
            region=use.region,
            now=now,
            request_id=uuid4(self._random_bytes),
            read_only=operation not in _CHANGING,
            parameters=parameters,
            additional=additional,
            resources={key.arn: _KEY},
        )
        self._records.called(call)


def grant_parameters(key: KeyRecord, grant: GrantRecord) -> dict[str, Any]:
    """`requestParameters` of CreateGrant."""
    constraints: dict[str, Any] = {}
    if grant.context_subset is not None:
        constraints["encryptionContextSubset"] = dict(grant.context_subset)
    if grant.context_equals is not None:
        constraints["encryptionContextEquals"] = dict(grant.context_equals)
    return {
        "keyId": key.arn,
        "retiringPrincipal": grant.retiring,
        "constraints": constraints,
        "granteePrincipal": grant.grantee,
        "operations": list(grant.operations),
    }
