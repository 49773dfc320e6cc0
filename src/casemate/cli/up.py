"""`casemate up`: start Casemate."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from casemate.cli.exit_codes import EXIT_FAILED
from casemate.cli.instance import add_data_option, fail

_MAX_PORT = 65_535
_LAST_LINES = 5
"""Of the log, shown when a detached start fails."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.epilog = (
        "examples:\n"
        "  casemate up --detach                          state in ./.casemate\n"
        "  casemate up --ephemeral --port 0              nothing kept, a free port\n"
        "  casemate up --detach --json | jq -r .endpoint"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=4566,
        help="port on 127.0.0.1; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument("--ephemeral", action="store_true", help="keep nothing: state lives in memory")
    parser.add_argument(
        "--dataplane",
        choices=("auto", "kernel", "off"),
        default="auto",
        help="auto: the kernel when this machine allows it, else off and said so; kernel: fail without it (default: %(default)s)",
    )
    parser.add_argument(
        "--internet",
        choices=("emulated", "host"),
        default="emulated",
        help="emulated: no packet leaves this machine; host: TCP to what is not AWS's goes into the machine's own network (default: %(default)s)",
    )
    parser.add_argument(
        "--detach", action="store_true", help="return when it serves; log in DIR/casemate.log"
    )
    parser.add_argument(
        "--accept-any-credentials",
        action="store_true",
        help="unknown access keys act as the administrator of account 000000000000 (the test/test convention)",
    )
    parser.add_argument(
        "--strict-runtimes",
        action="store_true",
        help="refuse a function whose runtime's version is not installed here, instead of running the nearest",
    )
    parser.add_argument(
        "--throttle",
        action="store_true",
        help="tables give no more than their provisioned units and on-demand limits, as AWS's (default: no limit)",
    )
    _add_remote_tables(parser)
    parser.add_argument(
        "--quota",
        type=_quota,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="raise or lower a quota of VPCs, such as gateway_endpoints=50; may be repeated",
    )
    add_data_option(parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object when it serves: endpoint and warnings"
    )


def _add_remote_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tables",
        metavar="remote=URL",
        help="keep items at a DynamoDB-compatible endpoint, behind this network and these policies (docs/remote-tables.md)",
    )
    parser.add_argument(
        "--tables-credentials",
        type=Path,
        metavar="FILE",
        help="its keys, as `casemate env --format json` prints them (default: CASEMATE_TABLES_ACCESS_KEY_ID, ...)",
    )


def _quota(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not NAME=NUMBER")
    return name, int(number)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to {_MAX_PORT}")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    if arguments.internet == "host" and arguments.dataplane == "off":
        fail("--internet host needs the network: leave --dataplane off away", 2)
    if arguments.throttle and arguments.tables:
        fail("--throttle is for tables kept here: a remote has limits of its own", 2)
    if arguments.detach:
        return _detach(arguments)
    # Thousands of objects are made that live as long as the process: collecting among them is wasted time.
    gc.disable()
    from casemate.app import Options, serve
    from casemate.gateway.instance import StartError
    from casemate.tables.remote.options import RemoteTables, RemoteTablesError

    _check_quotas(dict(arguments.quota))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        tables = arguments.tables and RemoteTables.read(
            arguments.tables, arguments.tables_credentials, os.environ
        )
    except RemoteTablesError as error:
        fail(str(error))
    options = Options(
        port=arguments.port,
        data=arguments.data.absolute(),
        ephemeral=arguments.ephemeral,
        dataplane=arguments.dataplane,
        internet=arguments.internet,
        accept_any_credentials=arguments.accept_any_credentials,
        strict_runtimes=arguments.strict_runtimes,
        throttle=arguments.throttle,
        tables=tables,
        quotas=dict(arguments.quota),
    )
    greeting = _Greeting(as_json=arguments.json)

    def announce(line: str) -> None:
        if greeting.print(line):
            gc.freeze()
            gc.enable()

    try:
        run_loop(serve(options, announce=announce))
    except StartError as error:
        fail(str(error))
    return 0


def run_loop(coroutine: object) -> None:
    """asyncio.run on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(coroutine)  # pyright: ignore[reportArgumentType] a coroutine by construction


class _Greeting:
    """What a start prints: line by line, or as one JSON object once it serves."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._warnings: list[str] = []

    def print(self, line: str) -> bool:
        """Whether that was the last line: it serves."""
        word, _, endpoint = line.partition(" ")
        ready = word == "ready"
        if not self._as_json:
            print(line, flush=True)
        elif ready:
            print(json.dumps({"endpoint": endpoint, "warnings": self._warnings}), flush=True)
        else:
            self._warnings.append(line)
        return ready


def _check_quotas(given: dict[str, int]) -> None:
    if not given:
        return  # what knows them takes its time to import
    from casemate.services.ec2 import quotas_with

    try:
        quotas_with(given)
    except ValueError as error:
        fail(str(error))


def _detach(arguments: argparse.Namespace) -> int:
    data: Path = arguments.data.absolute()
    log = data / "casemate.log"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        fail(f"the data directory {data} cannot be used: {error.strerror}")
    argv = [
        sys.executable,
        "-m",
        "casemate.cli.main",
        "up",
        "--port",
        str(arguments.port),
        "--data",
        str(data),
    ]
    argv += ["--dataplane", arguments.dataplane, "--internet", arguments.internet]
    argv += ["--ephemeral"] if arguments.ephemeral else []
    argv += ["--accept-any-credentials"] if arguments.accept_any_credentials else []
    argv += ["--strict-runtimes"] if arguments.strict_runtimes else []
    argv += ["--throttle"] if arguments.throttle else []
    argv += ["--tables", arguments.tables] if arguments.tables else []
    argv += (
        ["--tables-credentials", str(arguments.tables_credentials)] if arguments.tables_credentials else []
    )
    for name, number in arguments.quota:
        argv += ["--quota", f"{name}={number}"]
    with os.fdopen(descriptor, "ab") as file:
        before = os.fstat(file.fileno()).st_size
        process = subprocess.Popen(  # noqa: S603 our own program
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
            text=True,
        )
    assert process.stdout is not None
    greeting = _Greeting(as_json=arguments.json)
    for line in process.stdout:
        if greeting.print(line.rstrip("\n")):
            return 0
    process.wait()
    # What this start wrote, and not what earlier ones left in the log.
    written = log.read_bytes()[before:].decode(errors="replace").splitlines(keepends=True)
    sys.stderr.write("".join(written[-_LAST_LINES:]))
    print(f"casemate: it did not start; the whole log is {log}", file=sys.stderr)
    return EXIT_FAILED
