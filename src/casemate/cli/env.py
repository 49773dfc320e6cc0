"""`casemate env`: variables for an AWS SDK."""

from __future__ import annotations

import argparse
import json
import shlex

from casemate.cli.instance import WORKLOAD_ACCOUNT, add_data_option, environment


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = 'example:\n  eval "$(casemate env)"'
    add_data_option(parser)
    parser.add_argument(
        "--account", default=WORKLOAD_ACCOUNT, metavar="ID", help="account (default: %(default)s)"
    )
    parser.add_argument("--region", default="us-east-2", help="Region (default: %(default)s)")
    parser.add_argument("--format", choices=("shell", "json"), default="shell", help="(default: %(default)s)")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="same as --format json"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    variables = environment(arguments.data, arguments.account, arguments.region)
    if arguments.format == "json":
        print(json.dumps(variables, indent=2))
    else:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
    return 0
