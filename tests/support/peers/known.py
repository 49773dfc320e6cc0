"""Disagreements that are nothing to mend in Casemate: the peer's fault, or an answer that AWS gives in several forms.

Each is a pattern of the two answers as `answers.difference` has them (ours, then theirs), with the reason. A peer's fault
is one by AWS's documentation, by botocore's model or by an answer of AWS that was recorded; paritysuite's tests, which run
against AWS, are cited as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A disagreement that is looked over."""

    peer: str
    pattern: re.Pattern[str]
    reason: str


def _of(peer: str, pattern: str, reason: str) -> Known:
    return Known(peer=peer, pattern=re.compile(pattern, re.DOTALL), reason=reason)


_D = "dynalite"
KNOWN = (
    _of(_D, r"Incorrect operand type for operator or function.*\|", "it has no check of operands' types in conditions; AWS has (paritysuite, queryKeyConditionOperands)"),
    _of(_D, r"\|.*Expected \\?\"", "a parser's own words for a syntax error; AWS's name a token and what is near it"),
    _of(_D, r"\|.*Syntax error; Expected", "the same"),
    _of(_D, r"operand type.*\|.*(unused in|BETWEEN operator requires|ConditionalCheck|success|Consistent reads|Type mismatch|provided key|redundant)", "what follows from no check of operands' types"),
    _of(_D, r"ConsumedCapacity", "it counts neither indexes nor the least unit of an empty page (Developer Guide, capacity consumption)"),
    _of(_D, r"^results differ: \.ItemCollectionMetrics only ours$", "it has none (API reference, ItemCollectionMetrics)"),
    _of(_D, r"^results differ: \.Attributes only theirs$", "AWS answers an update of nothing without Attributes (paritysuite, updateItem)"),
    _of(_D, r"SerializationException", "Java's names of classes in the complaints about JSON of another form are not told apart"),
    _of(_D, r"(SPECIFIC_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES|choosing to get).*\|", "it does not check Select (API reference, Query and Scan, Select)"),
    _of(_D, r"does not project|Select type ALL_ATTRIBUTES", "of a global index only what it projects can be asked for (Developer Guide, global secondary indexes)"),
    _of(_D, r"Consistent reads are not supported.*\|", "it lets scans of global indexes be consistent (paritysuite, indexReads)"),
    _of(_D, r"ReturnValues can only be.*\|", "it does not check ReturnValues of DeleteItem (paritysuite, error-messages/deleteItem)"),
    _of(_D, r"'' at 'RequestItems|Value at '(RequestItems|Limit)|Value '' at 'requestItems'", "AWS has two forms of these by now; ours is the one of paritysuite's batchGetItem and batchWriteItem"),
    _of(_D, r"at 'RequestItems", "the same"),
    _of(_D, r"^400 ValidationException ConditionalOperator can only", "it lets an operator stand beside one condition (paritysuite, deepRequests)"),
    _of(_D, r"^success  \|  400 ValidationException .*Type mismatch for Index Key", "it refuses to take a member from an attribute that is not there when the attribute is of an index"),
    _of(_D, r"^results differ: \.LastEvaluatedKey", "the order of a Scan is each engine's own"),
    _of(_D, r"^results differ: (\.Items\[\]\.\w+ only ours(, )?)+$|^results differ: \.Count(, \.Items length)?$", "it does not fetch what a local index does not project (Developer Guide, local secondary indexes)"),
    _of(_D, r"^results differ: (\.Count, )?(\.Items length, )?\.ScannedCount$", "what a segment holds is each engine's own"),
    _of(_D, r"specified for a secondary index key is not supported.*\|", "it lets keys of indexes be empty (paritysuite, indexKeyValues)"),
    _of(_D, r"totalSegments", "it does not know the bound of botocore's model"),
    _of(_D, r"attributeUpdates.*action", "it does not know the values of botocore's AttributeAction"),
    _of(_D, r"only contain one condition per key|exceeds the number of key attributes|Query key condition not supported", "AWS's words since keys may have several attributes (paritysuite, queryKeyConditionOperands)"),
    _of(_D, r"Invalid function name", "AWS has words for functions that are of the other expressions"),
    _of(_D, r"Type mismatch for Index Key.*\|.*Type mismatch for Index Key", "of two indexes with one key either may be named"),
    _of(_D, r"contains invalid value: Empty attribute name|Empty attribute name", "it lets empty names be (paritysuite, deepRequests)"),
    _of(_D, r"must not be empty.*\|.*contains invalid key", "a null in a map is no entry"),
    _of(_D, r"ComparisonOperator \w+ is not valid for \w+ AttributeValue type", "API reference, Condition: EQ and NE take every type, the others none but S, N and B"),
    _of(_D, r"ExpressionAttributeValues can only be specified.*\|.*(is|are) null", "AWS leaves the ending away (paritysuite, error-messages/deleteItem)"),
    _of(_D, r"are not valid\. The AttributeValue.*\|.*were invalid: The AttributeValue", "AWS's words have changed (paritysuite, error-messages/putItem)"),
    _of(_D, r"Expression size has exceeded", "it does not measure projections (Developer Guide, quotas)"),
    _of(_D, r"datatypes set, must contain exactly one.*\|.*success", "a write that is a put and a deletion"),
    _of(_D, r"'tableName' failed.*\|.*'tableName' failed|Invalid table/index name", "AWS takes ARNs and shorter names at first (paritysuite, error-messages/putItem)"),
    _of(_D, r"Number (over|under)flow|significant digits|numeric value", "what it does not check in Expected, and a plus before a number, which a BigDecimal may have"),
    _of(_D, r"DeletionProtectionEnabled only ours", "it is older than these"),
    _of(_D, r"At least one of|ResourceArn|Invalid TableArn|Value null at|'nonKeyAttributes|NonKeyAttributes", "it is older than these parameters"),
)  # fmt: skip


def reason_for(peer: str, found: str) -> str | None:
    """Why a disagreement is looked over; None when it is not."""
    return next((known.reason for known in KNOWN if known.peer == peer and known.pattern.search(found)), None)
