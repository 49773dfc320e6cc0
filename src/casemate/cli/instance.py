"""Finding the running instance, and its credentials, by data directory."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from casemate.cli.exit_codes import EXIT_FAILED, EXIT_NOT_RUNNING
from casemate.gateway.control import ask

DEFAULT_DATA = Path(".casemate")
WORKLOAD_ACCOUNT = "000000000000"


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """`--data DIR`, with its environment variable."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CASEMATE_DATA") or DEFAULT_DATA),
        metavar="DIR",
        help="data directory of the instance (default: $CASEMATE_DATA or ./.casemate)",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Say what is wrong and what to do, and end."""
    print(f"casemate: {message}", file=sys.stderr)
    sys.exit(code)


def not_running(data: Path) -> NoReturn:
    """Say how to start Casemate on that data directory, and end."""
    fail(f"Casemate does not run on {data}; start it with: casemate up --data {data}", EXIT_NOT_RUNNING)


def command(data: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the running instance; ends the program with a clear message when there is none, or when it refuses."""
    try:
        answer = asyncio.run(ask(data.absolute() / "control.sock", request))
    except OSError:
        not_running(data)
    if "error" in answer:
        fail(str(answer["error"]))
    return answer


def environment(data: Path, account: str, region: str) -> dict[str, str]:
    """The variables that point an AWS SDK at the instance, as an administrator of `account`."""
    try:
        instance = _read(data / "instance.json")
        credentials = _read(data / "credentials.json")
    except FileNotFoundError:
        not_running(data)
    if account not in credentials:
        fail(f"account {account} has no administrator here; known: {', '.join(sorted(credentials))}")
    return {
        "AWS_ENDPOINT_URL": str(instance["endpoint"]),
        "AWS_ACCESS_KEY_ID": str(credentials[account]["access_key_id"]),
        "AWS_SECRET_ACCESS_KEY": str(credentials[account]["secret_access_key"]),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CA_BUNDLE": str((data / "ca" / "ca.pem").absolute()),
    }


def _read(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text()))
