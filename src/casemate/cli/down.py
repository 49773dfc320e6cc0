"""`casemate down`: stop the running instance."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from casemate.cli.instance import add_data_option, add_json_option, command, fail

_PATIENCE = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = "example:\n  casemate down"
    add_data_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask it to stop, wait until its process has ended."""
    pid = int(command(arguments.data, {"command": "down"})["pid"])
    deadline = time.monotonic() + _PATIENCE
    while _runs(pid):
        if time.monotonic() > deadline:
            fail(f"process {pid} has not ended after {_PATIENCE:.0f} s; its log says why")
        time.sleep(0.02)
    print(json.dumps({"stopped": pid}) if arguments.json else "stopped")
    return 0


def _runs(pid: int) -> bool:
    """False when the process is gone, or has ended and only its parent has not collected it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
