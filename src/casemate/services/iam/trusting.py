"""Trust policies when a user or role they name is renamed or deleted.

Source: IAM User Guide, "AWS JSON policy elements: Principal": IAM keeps the ARN of a user or role in a trust policy as
its unique id and shows the ARN while there is one. So who is made anew under an old name is not trusted, and a renamed
user still is. Here the ARN is kept, and exchanged when it stops to mean what it meant.
"""

from __future__ import annotations

import json
from typing import Any, cast

from msgspec.structs import replace

from casemate.services.iam.state import IamState


def exchange_trusted(state: IamState, arn: str, instead: str) -> None:
    """Put `instead` (an ARN or a unique id) where trust policies of any account name `arn`. Inside a transaction."""
    for key, role in state.roles.items():
        # Slashes may be written `\\/` in JSON, so the name alone tells that a document is to be looked at; and any
        # character `\u0061`.
        if arn.rpartition("/")[2] not in role.trust and "\\u" not in role.trust:
            continue
        document = _exchanged(role.trust, arn, instead)
        if document is not None:
            state.roles.put(key, replace(role, trust=document))


def _exchanged(document: str, arn: str, instead: str) -> str | None:
    """None when no statement names `arn`."""
    loaded = cast("dict[str, Any]", json.loads(document))
    statements: Any = loaded["Statement"]
    found = False
    for statement in cast(
        "list[dict[str, Any]]", statements if isinstance(statements, list) else [statements]
    ):
        for element in ("Principal", "NotPrincipal"):
            spec = statement.get(element)
            if not isinstance(spec, dict):
                continue
            named = cast("dict[str, Any]", spec)
            values: Any = named.get("AWS", [])
            listed = cast("list[str]", values if isinstance(values, list) else [values])
            if arn in listed:
                found = True
                changed = [instead if value == arn else value for value in listed]
                named["AWS"] = changed if isinstance(values, list) else instead
    return json.dumps(loaded) if found else None
