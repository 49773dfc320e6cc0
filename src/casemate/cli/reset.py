"""`casemate reset`: forget everything."""

from __future__ import annotations

import argparse
import json

from casemate.cli.instance import add_data_option, add_json_option, command


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "example:\n  casemate reset\n\nKeeps the certificate authority and the administrators' keys."
    )
    add_data_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the running instance."""
    answer = command(arguments.data, {"command": "reset"})
    if arguments.json:
        print(json.dumps(answer))
    else:
        print("reset: every resource, item and record is gone; administrators and their keys are as before")
    return 0
