"""`casemate status`: what runs, and what is enforced."""

from __future__ import annotations

import argparse
import json

from casemate.cli.instance import add_data_option, add_json_option, command

_FOR_PROGRAMS = frozenset({"network_enforced"})
"""Members of `--json` that the text says in other words."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = "example:\n  casemate status --json"
    add_data_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    status = command(arguments.data, {"command": "status"})
    if arguments.json:
        print(json.dumps(status, indent=2))
        return 0
    shown = {name: value for name, value in status.items() if name not in _FOR_PROGRAMS and value is not None}
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        print(f"{name.replace('_', ' '):{width}}  {value}")
    return 0
