"""Customer managed keys of environment variables: who may read them, and whether a function can still start.

The variables themselves are kept as they are; what is modelled is who may reach them. A function with variables and a
KMSKeyArn has a data key under that key; its execution role has a grant to decrypt it. Who sets them must be allowed
kms:Encrypt and kms:CreateGrant, who reads them kms:Decrypt.

Sources: Lambda Developer Guide, "Securing Lambda environment variables" and "Troubleshoot invocation issues in Lambda";
that it is the role that has the grant: AWS Knowledge Center, "How do I resolve KMSAccessDeniedException errors from AWS
Lambda?", as told in DataBiosphere/azul#4200 on GitHub.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, uuid4
from casemate.model.origin import InternetOrigin
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import Keys, KeyUse, ProtectedKey
from casemate.servicekit.service import Authorize, Check, Context
from casemate.servicekit.store import Store
from casemate.services.lambda_ import errors

if TYPE_CHECKING:
    from casemate.services.lambda_.state import Function

_WHY_NOT_STARTED = {
    # Observed: cattle-ops/terraform-aws-gitlab-runner#1253 on GitHub.
    "AccessDeniedException": (
        "KMSAccessDeniedException",
        "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the "
        "function's KMS key settings. KMS Exception: AccessDeniedExceptionKMS Message: {message}",
    ),
    # Lambda Developer Guide, "Troubleshoot invocation issues in Lambda".
    "DisabledException": (
        "KMSDisabledException",
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the "
        "function's KMS key settings.",
    ),
    # These two: botocore's documentation of the errors.
    "KMSInvalidStateException": (
        "KMSInvalidStateException",
        "Lambda couldn't decrypt the environment variables because the state of the KMS key used is not valid for "
        "Decrypt. Check the function's KMS key settings.",
    ),
    "NotFoundException": (
        "KMSNotFoundException",
        "Lambda couldn't decrypt the environment variables because the KMS key was not found. Check the function's KMS "
        "key settings.",
    ),
}


class VariableKeys:
    """The keys of all functions' variables: begun with, opened for who reads and for who runs, ended."""

    def __init__(self, keys: Keys | None, store: Store, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._keys = keys
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    def adopt(self, ctx: Context[Any], function: Function) -> Function:
        """The function, its variables under its key. Inside a transaction; AwsError when the caller may not do that."""
        if self._keys is None or not function.variables or not function.kms_key:
            return replace(function, variables_key=b"")
        try:
            made = self._keys.adopt(ctx, function.kms_key, _use(function))
        except AwsError as error:
            # Observed, of the ARN of an alias: hashicorp/terraform#20813 on GitHub.
            raise errors.invalid(
                "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
                f"CreateGrant. Please check your KMS key settings. KMS Exception: {error.code} KMS Message: {error.message}"
            ) from error
        return replace(function, variables_key=made.blob)

    def readopt(
        self, ctx: Context[Any], before: Function, changed: Function, versions: Iterable[Function]
    ) -> Function:
        """As `adopt`, of a function that was changed, if that concerns its variables, its key or who decrypts them."""

        def what(function: Function) -> tuple[object, ...]:
            return (function.variables, *_by_whom(function))

        if what(before) == what(changed):
            return changed
        if changed.variables is before.variables and changed.kms_key != before.kms_key:
            self._require_readable(ctx, before)
        others = [one for one in versions if one.version != before.version and one.variables_key]
        if all(_by_whom(one) != _by_whom(before) for one in others):
            self.release(before)
        return self.adopt(ctx, changed)

    def _require_readable(self, ctx: Context[Any], function: Function) -> None:
        """AwsError unless the caller may decrypt the variables, which go from that function's key to another one, or to none.

        "Securing Lambda environment variables": kms:Decrypt is needed "to view and manage" them. What is said is ours.
        """
        if self._keys is None or not function.variables_key:
            return
        try:
            self._keys.unlock(ctx, _protected(function), _use(function))
        except AwsError as error:
            raise errors.invalid(_undecipherable(error)) from error

    def release(self, function: Function) -> None:
        """End the use of the key by the function's role. Inside a transaction."""
        if self._keys is not None and function.variables_key and function.kms_key:
            self._keys.release(function.kms_key, _use(function))

    def hide(self, ctx: Context[Any], function: Function, described: dict[str, Any]) -> dict[str, Any]:
        """The description as the caller gets to see it: who may not decrypt the variables sees why instead.

        Observed: the answers of GetFunction and UpdateFunctionCode as quoted in public write-ups; API reference,
        EnvironmentResponse.
        """
        if self._keys is None or not function.variables_key:
            return described
        try:
            self._keys.unlock(ctx, _protected(function), _use(function))
        except AwsError as error:
            shown = {"Error": {"ErrorCode": error.code, "Message": _undecipherable(error)}}
            return {**described, "Environment": shown}
        return described

    def open(self, function: Function, role: Principal, authorize: Authorize) -> None:
        """As the role, for an environment that is to start; AwsError as Invoke answers it."""
        if self._keys is None or not function.variables_key:
            return
        try:
            self._keys.unlock(self._context(role, function, authorize), _protected(function), _use(function))
        except AwsError as error:
            code, text = _WHY_NOT_STARTED.get(error.code, _WHY_NOT_STARTED["KMSInvalidStateException"])
            message = text.replace("{message}", error.message)
            raise AwsError(code, message, http_status=502, fault="server") from error

    def _context(self, role: Principal, function: Function, authorize: Authorize) -> Context[None]:
        """As if the role had called; what is asked further is asked of `authorize`, in its name."""

        def ask(check: Check, *, principal: Principal | None = None, through: str | None = None) -> None:
            authorize(check, principal=principal or role, through=through)

        now: datetime = self._clock()
        return Context(
            state=None,
            request_id=uuid4(self._random_bytes),
            account=role.account,
            region=function.region,
            principal=role,
            # A key asked for in a forward access session never sees the path.
            origin=InternetOrigin(address=IPv4Address("0.0.0.0")),  # noqa: S104 - no address at all
            now=now,
            random_bytes=self._random_bytes,
            store=self._store,
            authorize=ask,
        )


def _undecipherable(error: AwsError) -> str:
    return (
        "Lambda was unable to decrypt your environment variables because the KMS access was denied. Please check your KMS "
        f"permissions. KMS Exception: {error.code} KMS Message: {error.message}"
    )


def _by_whom(function: Function) -> tuple[object, ...]:
    """Functions that are equal in this share a grant."""
    return (function.kms_key, function.role)


def _protected(function: Function) -> ProtectedKey:
    assert function.kms_key is not None
    return ProtectedKey(key_arn=function.kms_key, blob=function.variables_key)


def _use(function: Function) -> KeyUse:
    return KeyUse(
        service="lambda",
        region=function.region,
        # Not documented; from general knowledge of CloudTrail's records of Lambda's Decrypt.
        encryption_context={"aws:lambda:FunctionArn": function.arn},
        role=function.role,
    )
