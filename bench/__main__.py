"""Start to ready, idle memory, PutItem and GetItem through the whole stack, Lambda cold and warm; peers beside it."""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.peers import Peer, casemate, ministack, moto
from bench.replay import throughput

EMPTY = "def handler(event, context):\n    return 1\n"
WITH_BOTO3 = (
    "import boto3\nclient = boto3.client('dynamodb', region_name='us-east-2')\n"
    "def handler(event, context):\n    return 1\n"
)


def main() -> int:
    if sys.argv[1:2] == ["lambda"]:
        from bench.functions import main as functions_main

        return functions_main(sys.argv[2:])
    if sys.argv[1:2] == ["start"]:
        from bench.start import main as start_main

        return start_main(sys.argv[2:])
    if sys.argv[1:2] == ["timeline"]:
        from bench.timeline import main as timeline_main

        return timeline_main(sys.argv[2:])
    if sys.argv[1:2] == ["dataplane"]:
        from bench.interfaces import run

        return run(sys.argv[2:])
    if sys.argv[1:2] == ["dynamodb"]:
        from bench.dynamodb.run import main as dynamodb

        return dynamodb(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    starters: list[Callable[[Path], Peer]] = [casemate] if options.no_peers else [casemate, ministack, moto]
    rows: dict[str, dict[str, str]] = {}
    for start in starters:
        with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
            try:
                peer = start(Path(directory))
            except RuntimeError as error:
                print(f"{start.__name__}: not measured: {error}", file=sys.stderr)
                continue
            try:
                print(f"measuring {peer.name}", file=sys.stderr)
                rows[peer.name] = measure(peer, options.calls)
            finally:
                peer.stop()
    print_table(rows)
    return 0


def measure(peer: Peer, calls: int) -> dict[str, str]:
    time.sleep(1.5)
    row = {
        "start to ready": f"{peer.seconds_to_ready:.2f} s",
        "idle memory (PSS)": f"{peer.memory_mib():.0f} MiB",
    }
    dynamodb = client(peer, "dynamodb")
    dynamodb.create_table(
        TableName="bench",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"data": {"S": "x" * 900}}
    row["boto3 PutItem p50"] = p50(
        lambda n: dynamodb.put_item(TableName="bench", Item={"id": {"S": str(n)}, **item}), calls
    )
    row["boto3 GetItem p50"] = p50(
        lambda n: dynamodb.get_item(TableName="bench", Key={"id": {"S": str(n)}}), calls
    )
    put = {"TableName": "bench", "Item": {"id": {"S": "replayed"}, **item}}
    row["PutItem/s, 16 connections"] = rate(peer, "PutItem", put)
    get = {"TableName": "bench", "Key": {"id": {"S": "1"}}}
    row["GetItem/s, 16 connections"] = rate(peer, "GetItem", get)
    if not peer.runs_functions:
        return {**row, "Lambda cold, empty": "needs Docker"}
    try:
        row |= functions(peer)
    except Exception as error:
        row["Lambda"] = f"failed: {type(error).__name__}"
    return row


def rate(peer: Peer, operation: str, params: dict[str, Any]) -> str:
    try:
        return f"{throughput(peer, operation, params):,.0f}"
    except Exception as error:
        return type(error).__name__


def functions(peer: Peer) -> dict[str, str]:
    iam, lambda_ = client(peer, "iam"), client(peer, "lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="bench", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    row: dict[str, str] = {}
    for name, source in (("empty", EMPTY), ("boto3", WITH_BOTO3)):
        cold = []
        for number in range(7):
            function = f"{name}-{number}"
            lambda_.create_function(
                FunctionName=function,
                Runtime="python3.12",
                Role=role,
                Handler="m.handler",
                Code={"ZipFile": package(source)},
                Timeout=30,
            )
            lambda_.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
            cold.append(
                timed(lambda function=function: lambda_.invoke(FunctionName=function)["Payload"].read())
            )
        row[f"Lambda cold, {name}"] = f"{statistics.median(cold) * 1e3:.1f} ms"
    row["Lambda warm p50"] = p50(lambda _: lambda_.invoke(FunctionName="empty-0")["Payload"].read(), 200)
    return row


def client(peer: Peer, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=peer.endpoint,
        region_name="us-east-2",
        aws_access_key_id=peer.key,
        aws_secret_access_key=peer.secret,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=15),
    )


def package(source: str, name: str = "m.py") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, source)
    return buffer.getvalue()


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def p50(call: Callable[[int], object], calls: int) -> str:
    for number in range(20):
        call(number)
    return f"{statistics.median(timed(lambda n=n: call(n)) for n in range(calls)) * 1e3:.2f} ms"


def print_table(rows: dict[str, dict[str, str]]) -> None:
    names = list(rows)
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    width = max(map(len, measures), default=10)
    print(f"{'':{width}}  " + "  ".join(f"{name:>16}" for name in names))
    for one in measures:
        print(f"{one:{width}}  " + "  ".join(f"{rows[name].get(one, '-'):>16}" for name in names))


if __name__ == "__main__":
    sys.exit(main())
