"""Table keys: a table encrypted with a KMS key has a data key under it, and who uses the table must be able to use the key.

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: How it works" (table keys, their cache, the encryption
context, grants). The items themselves are kept as they are: what is modelled is who may reach them.

The texts are DynamoDB's, as seen in answers of AWS to CreateTable, UpdateTable and GetItem quoted in public issue threads
(aws-cdk 18616) and recorded by aws-controllers-k8s's DynamoDB controller against AWS.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from datetime import datetime
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.ports import Keys, KeyUse, ProtectedKey
from casemate.servicekit.service import Context
from casemate.services.dynamodb.errors import not_modelled
from casemate.services.dynamodb.names import TableRef
from casemate.services.dynamodb.records import Encryption, TableRecord

CACHED_SECONDS = 300
"""For how long a caller who could use the key is not asked again.

The guide says "five minutes of inactivity"; seen on AWS, the table is refused about five minutes after its key was
disabled however busy it is, so the time runs from the last answer of KMS.
"""
_MOST_CACHED = 10_000


class TableKeys:
    """The keys of all tables: begun with, opened for each caller, ended."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys
        self._opened: OrderedDict[tuple[str, str, bytes], float] = OrderedDict()
        """When KMS last let a caller (ARN) use a table (id) and key. Not durable: a restart forgets, as AWS may."""

    def adopt(self, ctx: Context[Any], key: str | None, ref: TableRef) -> Encryption:
        """Begin to use a key for a table, of the table's account where it is named by no ARN. Call inside a transaction."""
        if self._keys is None:
            raise not_modelled("encryption with KMS keys where there is no KMS")
        there = ctx if ctx.account == ref.account else dataclasses.replace(ctx, account=ref.account)
        try:
            made = self._keys.adopt(there, key, _use(ref))
        except AwsError as error:
            raise kms_failure(error, ctx.request_id) from error
        return Encryption(key_arn=made.key_arn, table_key=made.blob)

    def open(self, ctx: Context[Any], record: TableRecord) -> None:
        """The caller must be able to decrypt the table's key, or have been within the last five minutes."""
        encryption = record.encryption
        if encryption is None:
            return
        cached = (record.table_id, ctx.principal.arn, encryption.table_key)
        now = ctx.now.timestamp()
        opened = self._opened.get(cached)
        if opened is not None and now - opened < CACHED_SECONDS:
            return
        self._opened.pop(cached, None)
        assert self._keys is not None
        try:
            self._keys.unlock(ctx, _protected(encryption), _use(record.ref))
        except AwsError as error:
            raise kms_failure(error, ctx.request_id) from error
        self._opened[cached] = now
        if len(self._opened) > _MOST_CACHED:
            self._opened.popitem(last=False)

    def ask(self, ctx: Context[Any], record: TableRecord) -> None:
        """The caller must be able to decrypt the table's key now; it is not decrypted, and nothing is remembered."""
        encryption = record.encryption
        if encryption is None:
            return
        assert self._keys is not None
        try:
            self._keys.check(ctx, _protected(encryption), _use(record.ref))
        except AwsError as error:
            raise kms_failure(error, ctx.request_id) from error

    def release(self, record: TableRecord) -> None:
        """End the use of the table's key. Call inside a transaction."""
        if record.encryption is not None and self._keys is not None:
            self._keys.release(record.encryption.key_arn, _use(record.ref))

    def inaccessible_since(self, record: TableRecord) -> datetime | None:
        """Since when DynamoDB cannot use the table's key; None while it can."""
        if record.encryption is None or self._keys is None:
            return None
        return self._keys.inaccessible_since(record.encryption.key_arn, _use(record.ref))


def kms_failure(error: AwsError, request_id: str) -> AwsError:
    """An error of KMS as DynamoDB hands it on."""
    kind, code, status, of = "KMS validation error", "ValidationException", 400, error.code
    match error.code:
        case "DisabledException":
            kind = "KMS key disabled error"
        case "AccessDeniedException":
            kind, code, of = "KMS key access denied error", "AccessDeniedException", "AWSKMSException"
        case "ValidationException":
            kind, code, status, of = "KMS internal error", "InternalServerError", 500, "AWSKMSException"
        case _:
            pass
    text = (
        f"{kind}: com.amazonaws.services.kms.model.{of}: {error.message} (Service: AWSKMS; Status Code: 400; "
        f"Error Code: {error.code}; Request ID: {request_id}; Proxy: null)"
    )
    return AwsError(code, text, http_status=status, fault="client" if status == 400 else "server")


def _protected(encryption: Encryption) -> ProtectedKey:
    return ProtectedKey(key_arn=encryption.key_arn, blob=encryption.table_key)


def _use(ref: TableRef) -> KeyUse:
    return KeyUse(
        service="dynamodb",
        region=ref.region,
        encryption_context={
            "aws:dynamodb:tableName": ref.name,
            "aws:dynamodb:subscriberId": ref.account,
        },
    )
