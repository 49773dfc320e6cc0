"""Cases that are calls of boto3 with what each must answer, as they stand in a table.

A case has steps: `call` ("service.operation"), `with` (its parameters), and what it must answer: `expected` (JMESPath ->
value), `different` (JMESPath -> what it must not be), or `error` (code, message, HTTP status, ...). `keep` (name ->
JMESPath) names values for later steps, which write them as `$name`, or `${name}` within a text, keys of maps
included. `{"$repeat": ["x", 7]}` is a text, repeated. An expectation `{"matches": "..."}` is a regular expression.
"""

from __future__ import annotations

import re
from typing import Any

import jmespath
import pytest
from botocore.exceptions import ClientError

Values = dict[str, Any]


def resolved(value: Any, kept: Values) -> Any:
    """With `$name` replaced by what was kept, and repetitions written out."""
    if isinstance(value, str):
        whole = re.fullmatch(r"\$(\w+)", value)
        if whole and whole[1] in kept:
            return kept[whole[1]]
        return re.sub(r"\$\{(\w+)\}", lambda found: str(kept[found[1]]), value)
    if isinstance(value, list):
        return [resolved(one, kept) for one in value]
    if isinstance(value, dict):
        if value.keys() == {"$repeat"}:
            text, times = value["$repeat"]
            return text * times
        return {resolved(key, kept): resolved(one, kept) for key, one in value.items()}
    return value


def keep(step: Values, answer: Values, kept: Values) -> None:
    """What later steps name."""
    for name, path in step.get("keep", {}).items():
        kept[name] = jmespath.search(path, answer)
        assert kept[name] is not None, (path, answer)


def check_answer(step: Values, answer: Values, kept: Values) -> int:
    """Holds an answer to what the step expects; how much that was."""
    expected, different = step.get("expected", {}), step.get("different", {})
    for path, value in expected.items():
        check(path, jmespath.search(path, answer), resolved(value, kept), answer)
    for path, value in different.items():
        assert jmespath.search(path, answer) not in (None, resolved(value, kept)), (path, answer)
    return len(expected) + len(different)


def check_refusal(expected: Values, call: Any, params: Values, kept: Values) -> int:
    """Holds the call to its being refused, with the error of the step."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    response: Any = refused.value.response
    given = {
        **{key: value for key, value in response.items() if key not in ("Error", "ResponseMetadata")},
        "code": response["Error"]["Code"],
        "message": response["Error"].get("Message", ""),
        "status": response["ResponseMetadata"]["HTTPStatusCode"],
        "reason": response.get("Reason"),
    }
    for name, value in expected.items():
        check(name, jmespath.search(name, given), resolved(value, kept), given)
    return len(expected)


def check(path: str, given: Any, expected: Any, answer: Any) -> None:
    if isinstance(expected, dict) and "matches" in expected:
        assert isinstance(given, str), (path, answer)
        assert re.search(expected["matches"], given), (path, given, answer)
    else:
        assert given == expected, (path, answer)
