r"""`Filters` of Describe operations, evaluated on the answer itself.

A slice declares, per operation, the name of each filter and the path of the output member it looks at; tags need no
declaration. Filters are joined by AND, the values of one by OR; `*` and `?` are wildcards and `\` escapes them.
Source: Amazon EC2 User Guide, "List and filter using the CLI and API".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from casemate.services.ec2 import errors

Filters = Sequence[Mapping[str, Any]]
FilterPaths = Mapping[str, str]
"""Filter name to the dotted path of an output member; lists on the way are walked through."""


@lru_cache(maxsize=1024)
def _pattern(value: str) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        elif character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value)


def _walk(value: object, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _walk(each, path)
    elif path:
        if isinstance(value, Mapping):
            yield from _walk(cast("Mapping[str, object]", value).get(path[0]), path[1:])
    elif value is not None:
        yield _text(value)


def _values(output: Mapping[str, Any], name: str, paths: FilterPaths) -> list[str]:
    if name in paths:
        return list(_walk(output, paths[name].split(".")))
    tags = cast("list[Mapping[str, str]]", output.get("Tags") or output.get("TagSet") or [])
    if name == "tag-key":
        return [tag["Key"] for tag in tags]
    if name == "tag-value":
        return [tag["Value"] for tag in tags]
    if name.startswith("tag:"):
        return [tag["Value"] for tag in tags if tag["Key"] == name[4:]]
    raise errors.unknown_filter(name)


def matches(output: Mapping[str, Any], filters: Filters, paths: FilterPaths) -> bool:
    """Whether a rendered resource passes every filter; AwsError for a filter the operation does not have."""
    for each in filters:
        actual = _values(output, str(each.get("Name", "")), paths)
        wanted = [_pattern(value) for value in each.get("Values") or ()]
        if not any(pattern.fullmatch(value) for value in actual for pattern in wanted):
            return False
    return True


def check_names(filters: Filters, paths: FilterPaths) -> None:
    """Refuse unknown filters and filters without values even when there is nothing to filter."""
    for each in filters:
        name = str(each.get("Name", ""))
        known = name in paths or name in {"tag-key", "tag-value"} or name.startswith("tag:")
        if not known:
            raise errors.unknown_filter(name)
        if not each.get("Values"):
            raise errors.invalid_value("The filter value set cannot be empty")  # hides typos otherwise
