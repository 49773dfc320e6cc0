"""TagResource, UntagResource, ListTagsOfResource.

The words are AWS's answers as recorded by ack-api-quirks, DDB-TABLE-442.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import resource_arn_not_found, validation
from casemate.services.dynamodb.names import resource_ref
from casemate.services.dynamodb.permissions import on_resource
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState

MAX_TAGS = 50
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")
"""Developer Guide, "Tagging restrictions in DynamoDB": "letters, white space, and numbers, plus the following special
characters: + - = . _ : /"; and what other services take too.
"""


def tagged(ctx: Context[DynamoState], arn: str) -> TableRecord:
    """The table of a ResourceArn."""
    record = ctx.state.tables.get(*resource_ref(ctx, arn).key)
    if record is None:
        raise resource_arn_not_found(arn)
    return record


def check_tags(present: Mapping[str, str], given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """`present` with the given tags; Developer Guide, "Tagging restrictions in DynamoDB"."""
    keys = [tag["Key"] for tag in given]
    for key in keys:
        if not key:
            raise validation(f"The Tag Key provided is invalid, Key: {key}")
        if key.lower().startswith("aws:"):
            raise validation(f"Tag Key cannot be prefixed with aws:, Key: {key}")
    for tag in given:
        for what in ("Key", "Value"):
            if not _ALLOWED.fullmatch(tag[what]):
                raise validation(f"The Tag {what} provided is invalid, {what}: {tag[what]}")
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise validation(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}")
    merged = {**present, **{tag["Key"]: tag["Value"] for tag in given}}
    if len(merged) > MAX_TAGS:
        raise validation("Number of Tags exceed the current limit for the provided ResourceArn")
    return merged


def _tag_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    arn = resource_ref(ctx, params["ResourceArn"]).arn
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    context: dict[str, str | tuple[str, ...]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    context["aws:TagKeys"] = tuple(tags)
    return (Check(action="dynamodb:TagResource", resource=arn, context=context),)


@operations.operation("TagResource", checks=_tag_checks)
def tag_resource(ctx: Context[DynamoState], params: Params) -> Output:
    record = tagged(ctx, params["ResourceArn"])
    if not params["Tags"]:
        raise validation("Atleast one Tag needs to be provided as Input.")
    tags = check_tags(record.tags, params["Tags"])
    ctx.state.tables.put(record.ref.key, replace(record, tags=tags))
    return {}


@operations.operation("UntagResource", checks=on_resource("UntagResource"))
def untag_resource(ctx: Context[DynamoState], params: Params) -> Output:
    record = tagged(ctx, params["ResourceArn"])
    if not params["TagKeys"]:
        raise validation("Atleast one Tag Key needs to be provided as Input.")
    tags = {key: value for key, value in record.tags.items() if key not in params["TagKeys"]}
    ctx.state.tables.put(record.ref.key, replace(record, tags=tags))
    return {}


@operations.operation("ListTagsOfResource", checks=on_resource("ListTagsOfResource"))
def list_tags_of_resource(ctx: Context[DynamoState], params: Params) -> Output:
    """All tags on one page: there are at most fifty."""
    record = tagged(ctx, params["ResourceArn"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()]}
