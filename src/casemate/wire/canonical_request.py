"""The canonical request of SigV4.

Source: IAM User Guide, "Create a signed AWS API request", step 1. Each function returns its part of the canonical form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

_CANONICAL_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~=&]|%[0-9A-F]{2})*", re.ASCII)
_SIGNATURE = re.compile(r"(?:^|&)X-Amz-Signature=[^&]*")


def canonical_path(path: str, *, as_sent: bool) -> str:
    """The path. S3's is as the client sent it; every other service's is normalized and encoded once more."""
    if path in {"/", ""}:
        return "/"
    if as_sent:
        return path
    if "//" in path or "/." in path:
        path = _without_dots(path)
    return quote(path, safe="/~-._")


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, and no empty segments."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    normal = "/" + "/".join(kept)
    return normal + "/" if kept and path.endswith("/") else normal


def canonical_query(query: str, *, presigned: bool = False) -> str:
    """Parameters sorted by name, then value, each encoded exactly once; the signature itself is not signed."""
    if not query:
        return ""
    if presigned:
        query = _SIGNATURE.sub("", query).lstrip("&")
    canonical = _CANONICAL_QUERY.fullmatch(query) is not None
    pairs: list[tuple[str, str]] = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        pairs.append((name, value) if canonical else (_reencoded(name), _reencoded(value)))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _reencoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", "%20")), safe="-_.~")


def canonical_headers(headers: Mapping[str, str], signed: Sequence[str]) -> str:
    """`name:value` lines, values trimmed and their runs of spaces made one. KeyError when a signed header is absent."""
    lines: list[str] = []
    for name in signed:
        value = headers[name]
        if " " in value or "\t" in value:
            value = " ".join(value.split())
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def reencoded_path(path: str) -> str:
    """S3's path as AWS itself would encode it: what a client signed that sent it less strictly encoded."""
    return quote(unquote(path), safe="/-_.~")
