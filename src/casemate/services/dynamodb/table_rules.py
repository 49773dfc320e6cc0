"""What CreateTable and UpdateTable refuse, in DynamoDB's words and order.

Sources: API reference, CreateTable; observed answers (dynalite's recordings in test/createTable.js; aws-cloudformation/
cfn-lint issue 1037; paritysuite/dynamodb-conformance, validation-ordering/createTable; ack-api-quirks, DDB-TABLE-042, 043, 123,
124, 126, 127 and 129).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from casemate.servicekit.service import Context
from casemate.services.dynamodb.capacity_settings import first_limits, first_warm
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import NAME, TableRef, own_table_ref
from casemate.services.dynamodb.records import BillingMode, IndexRecord, Throughput
from casemate.tables.errors import INVALID
from casemate.tables.schema import KeyType

MAX_LOCAL = 5
MAX_GLOBAL = 20
MAX_INCLUDED = 100
MAX_MULTI_KEYS = 4
_MAX_KEYS = 2
_MAX_UNITS = 1_000_000_000_000
KeyElements = Sequence[Mapping[str, str]]


def new_table_ref(ctx: Context[Any], text: str) -> TableRef:
    """A new table's name, which may be given as the ARN that it will have."""
    if text.startswith("arn:"):
        return own_table_ref(ctx, text)
    return TableRef(account=ctx.account, region=ctx.region, name=table_name(text))


def table_name(name: str) -> str:
    """A name for a new table."""
    if not 3 <= len(name) <= 255:
        raise validation("TableName must be at least 3 characters long and at most 255 characters long")
    if not NAME.fullmatch(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    return name


def billing_of(params: Mapping[str, Any]) -> tuple[BillingMode, Throughput]:
    """BillingMode and ProvisionedThroughput, which must agree."""
    mode = cast("BillingMode", params.get("BillingMode") or "PROVISIONED")
    units = params.get("ProvisionedThroughput")
    if mode == "PAY_PER_REQUEST":
        if units is not None:
            raise validation(
                INVALID
                + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return mode, Throughput()
    if units is None:
        raise validation(
            INVALID
            + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    return mode, throughput_of(units)


def throughput_of(units: Mapping[str, int]) -> Throughput:
    """Provisioned units within DynamoDB's bounds."""
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if units[member] > _MAX_UNITS:
            raise validation(f"Given value {units[member]} for {member} is out of bounds")
    return Throughput(read=units["ReadCapacityUnits"], write=units["WriteCapacityUnits"])


def attributes_of(definitions: Sequence[Mapping[str, str]]) -> dict[str, KeyType]:
    """AttributeDefinitions by name."""
    found: dict[str, KeyType] = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in found:
            raise validation(f"Attribute Name is duplicated: {name}")
        found[name] = cast("KeyType", definition["AttributeType"])
    return found


def table_keys(elements: KeyElements, attributes: Mapping[str, KeyType]) -> tuple[str, str | None]:
    """The partition and the sort key of a table."""
    _check_length(elements, "keySchema")
    names = [element["AttributeName"] for element in elements]
    if any(name not in attributes for name in names):
        if len(names) > 1:
            raise validation("Invalid KeySchema: Some index key attribute have no definition")
        raise _undefined(names, attributes)
    _check_order(elements)
    return names[0], names[1] if len(names) > 1 else None


def _check_length(elements: KeyElements, where: str) -> None:
    """Only global indexes have keys of more attributes than two."""
    if len(elements) > _MAX_KEYS:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={element['AttributeName']}, keyType={element['KeyType']})"
            for element in elements
        )
        raise validation(
            f"1 validation error detected: Value '[{shown}]' at '{where}' failed to satisfy constraint: Member must have "
            f"length less than or equal to {_MAX_KEYS}"
        )


def _undefined(names: Sequence[str], attributes: Mapping[str, KeyType]) -> Exception:
    return validation(
        f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
        f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(attributes)}]"
    )


def _check_order(elements: KeyElements) -> None:
    if len(elements) > 1 and elements[0]["AttributeName"] == elements[1]["AttributeName"]:
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if elements[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(elements) > 1 and elements[1]["KeyType"] != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def local_indexes(
    given: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, KeyType],
    hash_key: str,
    range_key: str | None,
) -> list[IndexRecord]:
    """LocalSecondaryIndexes of CreateTable, numbered from 1."""
    if not given:
        raise validation(INVALID + "List of LocalSecondaryIndexes is empty")
    if range_key is None:
        raise validation(
            INVALID + "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    found: list[IndexRecord] = []
    for place, index in enumerate(given, 1):
        _check_length(index["KeySchema"], f"localSecondaryIndexes.{place}.member.keySchema")
        names = [element["AttributeName"] for element in index["KeySchema"]]
        undefined = [name for name in names if name not in attributes]
        if undefined:
            raise _undefined(names, attributes)
        _check_order(index["KeySchema"])
        name = index["IndexName"]
        if len(names) < 2:
            raise validation(f"{INVALID}Index KeySchema does not have a range key for index: {name}")
        if names[0] != hash_key:
            raise validation(
                f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{name}. index hash key: {names[0]}, table hash key: {hash_key}"
            )
        projection, included = _projection(index["Projection"])
        found.append(
            IndexRecord(
                name=name,
                number=len(found) + 1,
                is_global=False,
                hash_keys=(names[0],),
                range_keys=(names[1],),
                projection=projection,
                included=included,
            )
        )
    _check_names(found)
    if len(found) > MAX_LOCAL:
        raise validation(f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL}")
    return found


def global_index(
    given: Mapping[str, Any], attributes: Mapping[str, KeyType], mode: BillingMode, number: int
) -> IndexRecord:
    """One global secondary index: up to four partition and four sort attributes."""
    elements: KeyElements = given["KeySchema"]
    names = [element["AttributeName"] for element in elements]
    if any(name not in attributes for name in names):
        raise _undefined(names, attributes)
    hashes, ranges = _multi_keys(elements)
    name = given["IndexName"]
    projection, included = _projection(given["Projection"])
    units = given.get("ProvisionedThroughput")
    if mode == "PROVISIONED" and units is None:
        raise validation(f"{INVALID}ProvisionedThroughput is not specified for index: {name}")
    if mode == "PAY_PER_REQUEST" and units is not None:
        raise validation(
            f"{INVALID}ProvisionedThroughput should not be specified for index: {name} when BillingMode is "
            "PAY_PER_REQUEST"
        )
    throughput = Throughput() if units is None else throughput_of(units)
    limits, warm = given.get("OnDemandThroughput"), given.get("WarmThroughput")
    return IndexRecord(
        name=name,
        number=number,
        is_global=True,
        hash_keys=hashes,
        range_keys=ranges,
        projection=projection,
        included=included,
        throughput=throughput,
        on_demand=first_limits(limits, mode, name) if limits else None,
        warm=first_warm(warm, mode, throughput, name) if warm else None,
    )


def _multi_keys(elements: KeyElements) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Developer Guide, "Multi-attribute keys in global secondary indexes" (November 2025)."""
    hashes = tuple(element["AttributeName"] for element in elements if element["KeyType"] == "HASH")
    ranges = tuple(element["AttributeName"] for element in elements if element["KeyType"] == "RANGE")
    if len(elements) <= 2:
        _check_order(elements)
    if elements[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if [element["AttributeName"] for element in elements] != [*hashes, *ranges]:
        raise validation(
            f"{INVALID}All HASH key attributes must precede RANGE key attributes in the KeySchema"
        )
    if len({*hashes, *ranges}) != len(elements):
        raise validation("The KeySchema contains multiple key attributes with the same name")
    for kind, names in (("HASH", hashes), ("RANGE", ranges)):
        if len(names) > MAX_MULTI_KEYS:
            raise validation(
                f"{INVALID}The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            )
    return hashes, ranges


def global_indexes(
    given: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, KeyType],
    mode: BillingMode,
    taken: Sequence[IndexRecord],
) -> list[IndexRecord]:
    """GlobalSecondaryIndexes of CreateTable, numbered after those `taken`."""
    if not given:
        raise validation(INVALID + "List of GlobalSecondaryIndexes is empty")
    found = [
        global_index(index, attributes, mode, len(taken) + place) for place, index in enumerate(given, 1)
    ]
    _check_names([*taken, *found])
    if len(found) > MAX_GLOBAL:
        raise validation(f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}")
    return found


def check_projected(indexes: Sequence[IndexRecord]) -> None:
    """Developer Guide, "Quotas": "up to 100 attributes into all of a table's local and global secondary indexes", one that is
    in two of them counted twice. No recording of its words is at hand.
    """
    if sum(len(index.included) for index in indexes) > MAX_INCLUDED:
        raise validation(
            f"{INVALID}Number of NonKeyAttributes of all secondary indexes exceeds per-table limit of {MAX_INCLUDED}"
        )


def _check_names(indexes: Sequence[IndexRecord]) -> None:
    seen: set[str] = set()
    for index in indexes:
        if index.name in seen:
            raise validation(f"{INVALID}Duplicate index name: {index.name}")
        seen.add(index.name)


def _projection(
    given: Mapping[str, Any],
) -> tuple[Literal["ALL", "KEYS_ONLY", "INCLUDE"], tuple[str, ...]]:
    kind = given.get("ProjectionType")
    names: Sequence[str] | None = given.get("NonKeyAttributes")
    if kind is None:
        raise validation(INVALID + "Unknown ProjectionType: null")
    if kind == "INCLUDE" and not names:
        raise validation(INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != "INCLUDE" and names is not None:
        raise validation(f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    included = tuple(names or ())
    for place, name in enumerate(included):
        if name in included[:place]:
            raise validation(f"{INVALID}Duplicate element in NonKeyAttributes: {name}")
    return kind, included


def check_all_used(
    attributes: Mapping[str, KeyType], keys: Sequence[str | None], indexes: Sequence[IndexRecord]
) -> None:
    """Every attribute that is defined is a key of the table or of an index."""
    used = {key for key in keys if key} | {
        name for index in indexes for name in index.hash_keys + index.range_keys
    }
    if used == set(attributes):
        return
    if not indexes:
        raise validation(
            INVALID
            + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise validation(
        f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(attributes)}], "
        f"keys used: [{', '.join(name for name in attributes if name in used)}]"
    )
