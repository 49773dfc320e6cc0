"""Wildcards: `*` any run of characters, `?` any one; over strings, action names and ARNs.

Compiled to regular expressions in which every run between two stars is an atomic group: the leftmost occurrence of
what follows a star is always as good as a later one, so nothing is ever tried twice. Matching time is linear in the
text for a given pattern, whatever the pattern (no policy can make the engine hang).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from casemate.policy.variables import Exact, Resolved

Matcher = Callable[[str], bool]

ARN_PARTS = 6


def always(text: str) -> bool:  # noqa: ARG001 - a Matcher
    """The matcher of `*`."""
    return True


def _tokens(pieces: Resolved) -> list[list[str | None]]:
    """The pattern cut at its stars; inside a run, None is `?` and a string stands for itself."""
    runs: list[list[str | None]] = [[]]
    for piece in pieces:
        if isinstance(piece, Exact):
            runs[-1].append(piece.text)
            continue
        for part in re.split(r"([*?])", piece):
            if part == "*":
                runs.append([])
            elif part:
                runs[-1].append(None if part == "?" else part)
    return runs


def _run_regex(run: Sequence[str | None]) -> str:
    return "".join("." if part is None else re.escape(part) for part in run)


@lru_cache(maxsize=8192)
def compile_glob(pieces: Resolved) -> Matcher:
    """A matcher of the whole text, case-sensitive."""
    runs = _tokens(pieces)
    plain = all(part is not None for run in runs for part in run)
    texts = ["".join(part for part in run if part is not None) for run in runs]
    if plain and len(runs) == 1:
        return texts[0].__eq__
    if plain and not any(texts[1:]):
        prefix = texts[0]
        return _prefix_matcher(prefix) if prefix else always
    if len(runs) == 1:
        regex = _run_regex(runs[0])
    else:
        middle = "".join(f"(?>.*?{_run_regex(run)})" for run in runs[1:-1] if run)
        regex = f"{_run_regex(runs[0])}{middle}.*{_run_regex(runs[-1])}"
    fullmatch = re.compile(regex, re.DOTALL).fullmatch

    def matches(text: str) -> bool:
        return fullmatch(text) is not None

    return matches


def _prefix_matcher(prefix: str) -> Matcher:
    def matches(text: str) -> bool:
        return text.startswith(prefix)

    return matches


def compile_action(pattern: str) -> Matcher:
    """A matcher of action names in lower case: "the prefix and the action name are case insensitive" (IAM, Action)."""
    return compile_glob((pattern.lower(),))


def _segments(pieces: Resolved) -> list[Resolved]:
    """An ARN pattern cut at its first five colons; colons inside an Exact piece do not cut."""
    segments: list[list[str | Exact]] = [[]]
    for piece in pieces:
        if isinstance(piece, Exact):
            segments[-1].append(piece)
            continue
        first, *rest = piece.split(":", ARN_PARTS - len(segments))
        if first:
            segments[-1].append(first)
        segments.extend([part] if part else [] for part in rest)
    return [tuple(segment) for segment in segments]


@lru_cache(maxsize=8192)
def compile_arn(pieces: Resolved) -> Matcher:
    """The matcher of ArnEquals, ArnLike and their negations: six parts, compared one by one.

    "Each of the six colon-delimited components of the ARN is checked separately and each can include multi-character
    match wildcards (*) or single-character match wildcards (?)" (IAM, condition operators). A pattern that is `*`
    alone matches any ARN; one with fewer parts matches nothing.
    """
    segments = _segments(pieces)
    if segments == [("*",)]:
        return _is_arn
    if len(segments) != ARN_PARTS:
        return _never
    return _part_matcher(segments)


def _never(text: str) -> bool:  # noqa: ARG001 - a Matcher
    return False


def _is_arn(text: str) -> bool:
    return text.count(":") >= ARN_PARTS - 1


def _part_matcher(segments: Sequence[Resolved]) -> Matcher:
    matchers = tuple(compile_glob(segment) for segment in segments)

    def matches(text: str) -> bool:
        parts = text.split(":", ARN_PARTS - 1)
        if len(parts) != ARN_PARTS:
            return False
        return all(matcher(part) for matcher, part in zip(matchers, parts, strict=True))

    return matches


@lru_cache(maxsize=8192)
def compile_resource(pieces: Resolved) -> Matcher:
    """The matcher of a Resource element.

    As `compile_arn`, with two additions of the IAM User Guide ("Resource"): an ARN with fewer than six parts is
    completed with `*` parts, and "if the * wildcard is the last character of a resource ARN segment, it can expand
    to match beyond the colon boundaries".
    """
    if pieces == ("*",):
        return always
    segments = _segments(pieces)
    if segments[0] != ("arn",):
        return compile_glob(pieces)
    simple = _simple_resource(segments)
    if simple is not None:
        return compile_glob(simple)
    segments += [("*",)] * (ARN_PARTS - len(segments))
    by_parts = _part_matcher(segments)
    if not any(_spills(segment) for segment in segments[:-1]):
        return by_parts
    spilling = _spilling_matcher(segments)

    def matches(text: str) -> bool:
        return by_parts(text) or spilling(text)

    return matches


def _simple_resource(segments: Sequence[Resolved]) -> Resolved | None:
    """The whole pattern, where matching it as one string says the same: wildcards in the last part only."""
    if len(segments) != ARN_PARTS or not all(_is_plain(segment) for segment in segments[:-1]):
        return None
    joined: list[str | Exact] = []
    for index, segment in enumerate(segments):
        joined.extend((":", *segment) if index else segment)
    return tuple(joined)


def _is_plain(segment: Resolved) -> bool:
    """No wildcard, and no colon that came with a variable's value."""
    return not any(
        ":" in piece.text if isinstance(piece, Exact) else "*" in piece or "?" in piece for piece in segment
    )


def _spills(segment: Resolved) -> bool:
    return bool(segment) and isinstance(segment[-1], str) and segment[-1].endswith("*")


def _spilling_matcher(segments: Sequence[Resolved]) -> Matcher:
    """Parts in order; a part whose pattern ends in `*` may swallow the parts after it."""
    heads = tuple((compile_glob(segment), _spills(segment)) for segment in segments[:-1])
    last = compile_glob(segments[-1])

    def matches(text: str) -> bool:
        parts = text.split(":")
        # The positions in `parts` that can follow the segments seen so far: at most len(parts) of them.
        reachable = {0}
        for matcher, spills in heads:
            following: set[int] = set()
            for position in reachable:
                if position < len(parts) and matcher(parts[position]):
                    following.update(range(position + 1, len(parts)) if spills else (position + 1,))
            reachable = following
        return any(position < len(parts) and last(":".join(parts[position:])) for position in reachable)

    return matches
