"""TableName: a name in the caller's account and Region, or the ARN of a table of any account.

Source: API reference, e.g. GetItem, TableName: "you can also provide the Amazon Resource Name (ARN) of the table".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from casemate.model.arns import Arn
from casemate.servicekit.service import Context
from casemate.services.dynamodb.errors import not_the_owner, validation

NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_INVALID = (
    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the "
    "characters a-z, A-Z, 0-9, '_', '-', and '.'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRef:
    """Which table is meant, whether it exists or not."""

    account: str
    region: str
    name: str
    key: tuple[str, str, str] = field(init=False)
    """Its key in the store."""
    arn: str = field(init=False)

    def __post_init__(self) -> None:
        arn = Arn(service="dynamodb", region=self.region, account=self.account, resource=f"table/{self.name}")
        object.__setattr__(self, "key", (self.account, self.region, self.name))
        object.__setattr__(self, "arn", str(arn))

    def index_arn(self, index: str) -> str:
        return f"{self.arn}/index/{index}"

    def backup_arn(self, backup: str) -> str:
        return f"{self.arn}/backup/{backup}"

    def stream_arn(self, label: str) -> str:
        return f"{self.arn}/stream/{label}"


def table_ref(ctx: Context[Any], text: str) -> TableRef:
    """Read a TableName; ValidationException when it is neither a name nor a table's ARN."""
    return resource_ref(ctx, text) if text.startswith("arn:") else _named(ctx.account, ctx.region, text)


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Whether a table may be called that."""
    return NAME.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _named(account: str, region: str, name: str) -> TableRef:
    if not is_name(name):
        raise validation(_INVALID)
    return TableRef(account=account, region=region, name=name)


def own_table_ref(ctx: Context[Any], text: str) -> TableRef:
    """As `table_ref`, of operations that "don't support cross-account access" (Developer Guide, "DynamoDB API operations
    supported by resource-based policies").
    """
    ref = table_ref(ctx, text)
    if ref.account != ctx.account:
        raise not_the_owner()
    return ref


def resource_ref(ctx: Context[Any], text: str, *, anywhere: bool = False) -> TableRef:
    """Read a ResourceArn of a table, of this Region or of any."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {text}") from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "dynamodb" or kind != "table" or not NAME.fullmatch(name):
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {text}")
    if arn.region != ctx.region and not anywhere:
        raise validation(f"Invalid TableArn: Region mismatch: expected {ctx.region}, given {arn.region}")
    return TableRef(account=arn.account, region=arn.region, name=name)
