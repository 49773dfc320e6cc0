"""Plain text in 100 columns: paragraphs and aligned rows, without colour codes."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 100


def paragraph(label: str, text: str) -> list[str]:
    """`label text`, wrapped, with the following lines under the text."""
    start = f"{label} " if label else ""
    # Ids, ARNs and CIDRs are never broken: they are there to be copied.
    return wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [start.rstrip()]


def rows(table: Sequence[Sequence[str]], *, indent: int = 2) -> list[str]:
    """Rows with aligned columns; the last column wraps under itself."""
    if not table:
        return []
    columns = max(len(row) for row in table)
    widths = [max((len(row[n]) for row in table if len(row) > n + 1), default=0) for n in range(columns - 1)]
    lines: list[str] = []
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines += paragraph(" " * indent + "  ".join(cells) + " " if cells else " " * (indent - 1), row[-1])
    return lines
