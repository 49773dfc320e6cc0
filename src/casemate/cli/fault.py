"""`casemate fault`: take something of the network out, to see whether what is built survives it."""

from __future__ import annotations

import argparse
import json

from casemate.cli.instance import add_data_option, add_json_option, command


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "examples:\n"
        "  casemate fault az-outage use2-az1                      every subnet of the zone loses all its packets\n"
        "  casemate fault nat-failure nat-0a1b2c3d4e5f60718       what is routed to the NAT gateway is lost\n"
        "  casemate fault endpoint-down vpce-0a1b2c3d4e5f60718    what enters the endpoint is lost\n"
        "  casemate fault latency --az use2-az1 200ms             each round trip takes 200 ms longer\n"
        "  casemate fault latency --endpoint vpce-0a1b2c3d 200ms  each answer that leaves by it takes 200 ms longer\n"
        "  casemate fault list\n"
        "  casemate fault clear fault-1\n\n"
        "A fault is kept in memory: it ends with `clear`, with `casemate reset`, and with the instance.\n"
        "exit codes: 0 done, 1 refused (the message says why), 2 wrong usage, 3 no instance is running"
    )
    kinds = parser.add_subparsers(dest="fault", metavar="FAULT", required=True)
    _command(kinds, "az-outage", "every subnet of an Availability Zone loses all its packets").add_argument(
        "target", metavar="ZONE-ID", help="such as use2-az1"
    )
    _command(kinds, "nat-failure", "a NAT gateway loses every packet").add_argument(
        "target", metavar="NATGATEWAY", help="its id"
    )
    _command(kinds, "endpoint-down", "a VPC endpoint loses every packet").add_argument(
        "target", metavar="VPCENDPOINT", help="its id"
    )
    latency = _command(kinds, "latency", "round trips take longer")
    where = latency.add_mutually_exclusive_group(required=True)
    where.add_argument("--subnet", dest="target", metavar="SUBNET", help="of all that is in the subnet")
    where.add_argument("--az", dest="target", metavar="ZONE-ID", help="of all that is in the zone")
    where.add_argument(
        "--endpoint", dest="target", metavar="VPCENDPOINT", help="of the answers that leave by the endpoint"
    )
    latency.add_argument("duration", metavar="DURATION", help="200ms or 2s")
    _command(kinds, "list", "the faults in force")
    clear = _command(kinds, "clear", "end a fault")
    which = clear.add_mutually_exclusive_group(required=True)
    which.add_argument("fault_id", nargs="?", metavar="ID", help="such as fault-1")
    which.add_argument("--all", action="store_true", help="every fault")


def _command(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage] it has no public name
    name: str,
    summary: str,
) -> argparse.ArgumentParser:
    found = kinds.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    add_data_option(found)
    add_json_option(found)
    return found


def run(arguments: argparse.Namespace) -> int:
    """Ask the running instance."""
    match arguments.fault:
        case "list":
            request = {"do": "list"}
        case "clear":
            request = {"do": "clear", "fault_id": arguments.fault_id}
        case kind:
            duration = getattr(arguments, "duration", None)
            request = {"do": "add", "kind": kind, "target": arguments.target, "duration": duration}
    answer = command(arguments.data, {"command": "fault", **request})
    print(json.dumps(answer["json"], indent=2) if arguments.json else answer["text"])
    return 0
