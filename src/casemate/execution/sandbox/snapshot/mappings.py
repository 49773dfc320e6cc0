"""The mappings of a process, and what it takes to have another process's. Reading /proc aside, pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

PAGE = 4096
_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) \S+ (\d+) *(.*)")
_KERNELS = ("[vdso]", "[vvar", "[vsyscall]")
"""Begin of the names of what the kernel maps: at one address in all processes that were forked from one program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """A range of addresses: a line of /proc/PID/maps (proc(5))."""

    start: int
    end: int
    rights: str
    """`rw-p`; the last letter is `s` for what is shared with other processes."""
    offset: int = 0
    path: str = ""
    """Of a file, or `[heap]`, `[stack]`, `[vdso]`."""

    @property
    def is_file(self) -> bool:
        """Whether a file is mapped, not anonymous memory."""
        return self.path.startswith("/")

    @property
    def is_kernels(self) -> bool:
        """Whether the kernel put it there."""
        return self.path.startswith(_KERNELS)

    @property
    def substance(self) -> tuple[str, str, int]:
        """What is mapped: equal for two pieces of the same mapping, wherever the kernel draws the line between them."""
        return (self.rights, self.path, self.offset - self.start) if self.is_file else (self.rights, "", 0)

    def piece(self, start: int, end: int) -> Mapping:
        """A part of it."""
        offset = self.offset + start - self.start if self.is_file else 0
        return Mapping(start=start, end=end, rights=self.rights, offset=offset, path=self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What makes one process's mappings those of another."""

    remove: tuple[tuple[int, int], ...]
    """Ranges."""
    add: tuple[Mapping, ...]
    """In place of whatever is there."""


def parse(text: str) -> tuple[Mapping, ...]:
    """The mappings that a file of /proc lists."""
    found: list[Mapping] = []
    for line in text.removesuffix("\n").split("\n"):  # no other character: it may be in the name of a file
        fields = _LINE.fullmatch(line)
        assert fields is not None, line
        found.append(
            Mapping(
                start=int(fields[1], 16),
                end=int(fields[2], 16),
                rights=fields[3],
                offset=int(fields[4], 16),
                path=fields[6],
            )
        )
    return tuple(found)


def mappings_of(pid: int, *, most: int | None = None) -> tuple[Mapping, ...]:
    """Those of a process. OSError when they are more than `most`."""
    place = f"/proc/{pid}/maps"
    with open(place, encoding="utf-8", errors="surrogateescape", newline="\n") as file:  # noqa: PTH123 - pathlib is slow to start
        text = "".join(islice(file, most))
        if file.readline():
            raise OSError(f"more than {most:,} mappings")
    return parse(text)


def change(present: Sequence[Mapping], wanted: Sequence[Mapping]) -> Change:
    """From `present` to `wanted`. The kernel's own are left alone."""
    edges = sorted({edge for one in (*present, *wanted) for edge in (one.start, one.end)})
    now, then = _at(edges, present), _at(edges, wanted)
    remove: list[tuple[int, int]] = []
    add: list[Mapping] = []
    for start, end in pairwise(edges):
        was, will = now.get(start), then.get(start)
        if (was is not None and was.is_kernels) or (will is not None and will.is_kernels):
            continue
        if will is None:
            if was is not None:
                _extend(remove, start, end)
        elif was is None or was.substance != will.substance:
            piece = will.piece(start, end)
            last = add[-1] if add else None
            if last is not None and last.end == start and last.substance == piece.substance:
                add[-1] = Mapping(
                    start=last.start, end=end, rights=last.rights, offset=last.offset, path=last.path
                )
            else:
                add.append(piece)
    return Change(remove=tuple(remove), add=tuple(add))


def _at(edges: Sequence[int], mappings: Iterable[Mapping]) -> dict[int, Mapping]:
    """The mapping that covers the range that begins at an edge."""
    found: dict[int, Mapping] = {}
    position = 0
    for one in mappings:  # in order of their addresses, as /proc has them
        while position < len(edges) and edges[position] < one.start:
            position += 1
        while position < len(edges) and edges[position] < one.end:
            found[edges[position]] = one
            position += 1
    return found


def _extend(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))
