"""`casemate explain`: why a call is allowed, refused, or never arrives."""

from __future__ import annotations

import argparse
import json

from casemate.cli.exit_codes import EXIT_USAGE
from casemate.cli.instance import WORKLOAD_ACCOUNT, add_data_option, add_json_option, command, fail


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "examples:\n"
        "  casemate explain 6f1c2c1e-8a52-4f5e-9d3a-0a1b2c3d4e5f       a recorded request, by its id\n"
        "  casemate explain --from lambda:orders --to dynamodb:orders --action dynamodb:GetItem\n"
        "  casemate explain --from lambda:orders --to name:sts.us-east-2.amazonaws.com\n"
        "  casemate explain --from i-0a1b2c3d4e5f60718 --to dynamodb:orders\n"
        "  casemate explain --from laptop --to dynamodb:orders\n"
        "  casemate explain --from role:break-glass --to dynamodb:orders"
    )
    parser.add_argument("request_id", nargs="?", metavar="REQUEST-ID", help="id of a recorded request")
    parser.add_argument(
        "--from", dest="source", metavar="WHO", help="lambda:NAME, i-..., laptop, role:NAME or user:NAME"
    )
    parser.add_argument("--to", dest="target", metavar="WHAT", help="dynamodb:TABLE or name:HOST[:PORT]")
    parser.add_argument("--action", default=None, help="IAM action (default: dynamodb:GetItem)")
    parser.add_argument(
        "--account", default=WORKLOAD_ACCOUNT, metavar="ID", help="account (default: %(default)s)"
    )
    parser.add_argument("--region", default="us-east-2", help="Region of WHO (default: %(default)s)")
    parser.add_argument(
        "--target-region", default=None, metavar="REGION", help="Region of WHAT (default: that of WHO)"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the running instance and print its answer."""
    if arguments.request_id and (arguments.source or arguments.target):
        fail("name a REQUEST-ID, or --from and --to, not both", EXIT_USAGE)
    if arguments.request_id:
        request = {"command": "event", "request_id": arguments.request_id}
    elif arguments.source and arguments.target:
        request = {
            "command": "explain",
            "from": arguments.source,
            "to": arguments.target,
            "action": arguments.action or "dynamodb:GetItem",
            "account": arguments.account,
            "region": arguments.region,
            "target_region": arguments.target_region,
        }
    else:
        fail("name a REQUEST-ID, or both --from and --to; see: casemate explain --help", EXIT_USAGE)
    answer = command(arguments.data, request)
    print(json.dumps(answer["json"], indent=2) if arguments.json else answer["text"])
    return 0
