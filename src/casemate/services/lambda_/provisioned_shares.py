"""Whose environments provisioned concurrency keeps: a version's own, or those of the versions behind an alias.

Source: Lambda Developer Guide, "Troubleshoot invocation issues in Lambda", cold starts with new versions: an alias's
provisioned concurrency goes to its versions by the weights of its routing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.records import ProvisionedConcurrency
from casemate.services.lambda_.state import Function, LambdaState


def shares(state: LambdaState, record: ProvisionedConcurrency) -> Iterator[tuple[Function, int]]:
    """Versions and how many environments each gets; nothing of what was deleted meanwhile."""
    name = FunctionName(
        account=record.account, region=record.region, name=record.function, qualifier=record.qualifier
    )
    alias = state.aliases.get(*name.key, record.qualifier)
    counts = {record.qualifier: record.requested}
    if alias is not None and alias.weights:
        ((other, weight),) = alias.weights.items()
        # How Lambda rounds is not documented. This leaves neither version without when there is one for each.
        moved = min(math.ceil(record.requested * weight), record.requested - (weight < 1))
        counts = {alias.version: record.requested - moved, other: moved}
    for qualifier, count in counts.items():
        with suppress(AwsError):
            if count:
                yield state.version(replace(name, qualifier=qualifier)), count


def provisioned(state: LambdaState, function: Function) -> int:
    """How many invocations of that version run on provisioned concurrency at the same time."""
    records = state.provisioned.values(function.account, function.region, function.name)
    return sum(
        count
        for record in records
        if record.status != "FAILED"
        for version, count in shares(state, record)
        if version.version == function.version
    )


def requested(state: LambdaState, key: tuple[str, str, str]) -> int:
    """Of all versions and aliases of a function."""
    return sum(record.requested for record in state.provisioned.values(*key))
