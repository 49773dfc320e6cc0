"""An HTTP exchange as the wire sees it: bytes and headers, no connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping

from msgspec import Struct


class Headers(Mapping[str, str]):
    """Header fields, looked up without regard to case; repeated fields are joined by "," (RFC 9110, section 5.3)."""

    __slots__ = ("_fields",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        fields: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            fields[key] = f"{fields[key]},{value}" if key in fields else value
        self._fields = fields

    @classmethod
    def of(cls, fields: dict[str, str]) -> Headers:
        """Those fields, by names in lower case."""
        made = cls.__new__(cls)
        made._fields = fields
        return made

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        """The names, in lower case."""
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"

    @property
    def lowered(self) -> Mapping[str, str]:
        """The fields keyed by lower-case name, for code that knows its names."""
        return self._fields


class HttpRequest(Struct, kw_only=True):
    """A request. A struct: making a dataclass costs a microsecond, here and below."""

    method: str
    path: str
    """As sent: still percent-encoded, without the query."""
    query: str = ""
    """As sent, without the question mark."""
    headers: Headers
    body: bytes = b""
    head: bytes = b""
    """The lines that it began with, where it was read in one piece."""


class HttpResponse(Struct, kw_only=True):
    """A response. `Content-Length` and `Date` are the listener's to add."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stream: AsyncGenerator[bytes, None] | None = None
    """Sent chunk by chunk as it comes, instead of `body`. Closed when the client goes; an exception cuts the
    connection."""
    hop_limit: int | None = None
    """How many hops its packets may go, that from the VPC's router to the interface included; None: any number."""
