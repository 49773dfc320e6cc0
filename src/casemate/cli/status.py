"""`casemate status`: what runs, and what is enforced."""

from __future__ import annotations

import argparse
import json

from casemate.cli.instance import add_data_option, add_json_option, command


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
    width = max(len(name) for name in status)
    for name, value in status.items():
        lines = value if isinstance(value, list) else [value]
        for index, line in enumerate(lines or ["-"]):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] JSON
            print(f"{name if index == 0 else '':{width}}  {line}")
    return 0
