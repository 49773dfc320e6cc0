"""Which operation a REST request names: method, path template and query literals of the model.

Source: Smithy, "HTTP bindings", section "Matching": literal segments before labels, and query literals that must be
there; where S3 has several operations of one URI, their required query parameters and headers tell them apart.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from casemate.wire.plan import input_shape

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

Query = Mapping[str, list[str]]


class Route(Struct, frozen=True, kw_only=True):
    """One operation's URI."""

    operation: str
    segments: tuple[str, ...]
    """Literals, `{Label}` and, last or not, one greedy `{Label+}`."""
    greedy: int | None
    """Index of the greedy label."""
    literals: tuple[tuple[str, str], ...]
    """Query parameters of the URI itself; an empty value asks only for presence."""
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]
    rank: tuple[int, ...]
    """Sorts the more specific route first: from left to right, literals before labels before a greedy label; and what
    goes on after a greedy label before what ends there."""

    def labels(self, path: list[str]) -> dict[str, str] | None:
        """The labels of a path that matches, decoded; None when it does not match."""
        segments = self.segments
        if self.greedy is not None:
            tail = len(segments) - self.greedy - 1
            if len(path) < len(segments):
                return None
            end = len(path) - tail
            path = [*path[: self.greedy], "/".join(path[self.greedy : end]), *path[end:]]
        if len(path) != len(segments):
            return None
        labels: dict[str, str] = {}
        for segment, part in zip(segments, path, strict=True):
            if not segment.startswith("{"):
                if segment != part and segment != unquote(part):
                    return None
            elif part:
                labels[segment.strip("{+}")] = unquote(part)
            else:
                return None
        return labels

    def fitness(self, query: Query, headers: Mapping[str, str]) -> tuple[int, int, int] | None:
        """How well the rest of a request fits, better ones smaller; None when a query literal is missing."""
        for name, value in self.literals:
            if name not in query or (value and value not in query[name]):
                return None
        present = sum(name in query for name in self.required_query)
        present += sum(name in headers for name in self.required_headers)
        missing = len(self.required_query) + len(self.required_headers) - present
        return (-len(self.literals), missing, -present)


def split_path(path: str) -> list[str]:
    """The segments of a raw path. A trailing slash is an empty last segment."""
    return path.lstrip("/").split("/") if path != "/" else [""]


class Routes:
    """The routes of a service."""

    def __init__(self, model: ServiceModel) -> None:
        operations = [model.operation_model(name) for name in model.operation_names]
        # Two operations may share all of their binding: S3 has PutBucketLifecycle and, replacing it,
        # PutBucketLifecycleConfiguration. The one that is not deprecated wins.
        operations.sort(key=lambda operation: operation.deprecated)
        routes = sorted(map(_route, operations), key=lambda route: route[1].rank)
        self._by_start: dict[tuple[str, str], list[Route]] = {}
        for method, route in routes:
            start = "" if route.rank[0] else route.segments[0]
            self._by_start.setdefault((method, start), []).append(route)

    def match(
        self, method: str, path: str, query: Query, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """The operation's name and the labels of its path; None when there is no such operation."""
        segments = split_path(path)
        found = self._find(method, segments, query, headers)
        if found is None and len(segments) > 1 and not segments[-1]:
            # Only where nothing wants the trailing slash: `/2015-03-31/functions/` is ListFunctions either way.
            found = self._find(method, segments[:-1], query, headers)
        elif found is None:
            found = self._find(method, [*segments, ""], query, headers)
        return found

    def _find(
        self, method: str, segments: list[str], query: Query, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        # A literal at the start is more specific than a label there, whatever follows.
        literal = self._by_start.get((method, unquote(segments[0])), ())
        labelled = self._by_start.get((method, ""), ())
        return self._best(literal, segments, query, headers) or self._best(labelled, segments, query, headers)

    @staticmethod
    def _best(
        candidates: Iterable[Route], segments: list[str], query: Query, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        best: tuple[tuple[int, int, int], Route, dict[str, str]] | None = None
        for route in candidates:
            if best is not None and route.rank != best[1].rank:
                break
            labels = route.labels(segments)
            if labels is None:
                continue
            fitness = route.fitness(query, headers)
            if fitness is not None and (best is None or fitness < best[0]):
                best = (fitness, route, labels)
        return None if best is None else (best[1].operation, best[2])


def _route(operation: OperationModel) -> tuple[str, Route]:
    uri: str = operation.http["requestUri"]
    path, _, query = uri.partition("?")
    segments = tuple(split_path(path))
    shape = input_shape(operation)
    required_query: list[str] = []
    required_headers: list[str] = []
    for name in () if shape is None else shape.required_members:
        serialization = shape.members[name].serialization if shape is not None else {}
        if serialization.get("location") == "querystring":
            required_query.append(serialization.get("name", name))
        elif serialization.get("location") == "header":
            required_headers.append(serialization.get("name", name).lower())
    greedy = [index for index, segment in enumerate(segments) if segment.endswith("+}")]
    return operation.http["method"], Route(
        operation=operation.name,
        segments=segments,
        greedy=greedy[0] if greedy else None,
        literals=tuple(parse_qsl(query, keep_blank_values=True)),
        required_query=tuple(required_query),
        required_headers=tuple(required_headers),
        rank=(*(2 if s.endswith("+}") else 1 if s.startswith("{") else 0 for s in segments), 3),
    )


@functools.cache
def routes_of(model: ServiceModel) -> Routes:
    """The routes of a model, compiled at its first request."""
    return Routes(model)
