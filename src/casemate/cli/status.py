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
        print(f"{name:{width}}  {'-' if value is None else value}")
    return 0
