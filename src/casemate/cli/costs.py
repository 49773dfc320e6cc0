"""`casemate costs`: what NAT gateways and endpoints would cost on AWS."""

from __future__ import annotations

import argparse
import json

from casemate.cli.instance import add_data_option, add_json_option, command


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "Hours come from the lifetimes of the resources, bytes from the kernel's counters. Not counted: public IPv4\n"
        "addresses, data transfer.\n\nexample:\n  casemate costs --json"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    answer = command(arguments.data, {"command": "costs"})
    print(json.dumps(answer["json"], indent=2) if arguments.json else answer["text"])
    return 0
