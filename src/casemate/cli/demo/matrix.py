"""Printing the access matrix."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from casemate.cli.demo.trial import Trial

_COLUMNS = (
    ("who / from where", 4),
    ("path taken", 5),
    ("what the SDK saw", 4),
    ("what decided", 6),
    ("what to change", 4),
)
"""Headers and relative widths."""
_WHO = {"laptop": "laptop: administrator", "role": "laptop: role"}


def print_matrix(trials: Sequence[Trial]) -> None:
    """A row per case: who asks, from where, path, what the SDK saw, what decided, what to change."""
    width = max(120, min(200, shutil.get_terminal_size((160, 40)).columns))
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, width=width, pad_edge=False)
    for header, ratio in _COLUMNS:
        table.add_column(header, ratio=ratio, overflow="fold")
    for trial in trials:
        mark = "" if trial.as_expected else f" [expected: {trial.case.expected.value}]"
        table.add_row(
            f"{_who(trial)}\n{trial.case.title}",
            str(trial.why["path"]),
            trial.saw + mark,
            str(trial.why["decided"]),
            str(trial.why["remedy"] or "-"),
        )
    Console(width=width, highlight=False, markup=False, soft_wrap=False).print(table)


def _who(trial: Trial) -> str:
    kind, _, name = trial.case.source.partition(":")
    return f"function {name}" if kind == "lambda" else f"{_WHO[kind]} {name}".strip()
