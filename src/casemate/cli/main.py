"""`casemate`: one file per command, imported when it is asked for, so that `--help` is instant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from casemate import __version__

_COMMANDS = {
    "up": "start Casemate; prints `ready URL` when it serves",
    "down": "stop the running instance",
    "status": "what runs, and what is enforced",
    "env": "environment variables for an AWS SDK, as an administrator",
    "aws": "the AWS CLI against the running instance",
    "exec": "run a command in an instance",
    "explain": "why a call is allowed, refused, or never arrives",
    "fault": "take a zone, a NAT gateway or an endpoint out, and bring it back",
    "costs": "what NAT gateways and endpoints would cost on AWS",
    "reset": "forget everything: resources, items, records",
    "demo": "the reference architecture and its access matrix, explained",
}

_EPILOG = """exit codes: 0 done, 1 the command failed (the message says why), 2 wrong usage, 3 no instance is running

example:
  casemate up --detach
  casemate aws dynamodb list-tables
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="casemate",
        description="A local, AWS-wire-compatible cloud whose network and access policies are real.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"casemate {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, summary in _COMMANDS.items():
        # `casemate aws` hands everything after it to the AWS CLI, `--help` included.
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=name != "aws",
        )
        if name == chosen:
            module = import_module(f"casemate.cli.{name}")
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    if chosen == "aws":
        index = arguments.index("aws")
        parsed, rest = parser.parse_known_args(arguments[: index + 1])
        parsed.arguments = arguments[index + 1 :] + rest
        return int(parsed.run(parsed))
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
