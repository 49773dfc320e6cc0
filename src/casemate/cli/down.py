"""`casemate down`: stop the running instance."""

from __future__ import annotations

import argparse
import contextlib
import os
import time

from casemate.cli.instance import add_data_option, command, fail

_PATIENCE = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = "example:\n  casemate down"
    add_data_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask it to stop, wait until its process has ended."""
    pid = int(command(arguments.data, {"command": "down"})["pid"])
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            if not _is_zombie(pid):
                time.sleep(0.02)
                continue
        print("stopped")
        return 0
    fail(f"process {pid} has not ended after {_PATIENCE:.0f} s; its log says why")


def _is_zombie(pid: int) -> bool:
    """True when the process has ended and only its parent has not collected it yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 not a stored path
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
