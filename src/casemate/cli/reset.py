"""`casemate reset`: forget everything."""

from __future__ import annotations

import argparse

from casemate.cli.instance import add_data_option, command


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "example:\n  casemate reset\n\nKeeps the certificate authority and the administrators' keys."
    )
    add_data_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the running instance."""
    command(arguments.data, {"command": "reset"})
    print("reset: every resource, item and record is gone; administrators and their keys are as before")
    return 0
