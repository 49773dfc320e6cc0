"""Lambda from the outside: `python -m bench lambda [--no-peers]`. Cold, warm, many at a time, memory; peers beside it.

Prints the table of bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.__main__ import EMPTY, WITH_BOTO3, client, package, timed
from bench.peers import Peer, casemate, ministack

SLEEP = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 1\n"
NODE = "exports.handler = async () => 1\n"
FLOOR = "of it an operation that does nothing, p50"
TARGETS = {
    "cold, empty": "50 ms", "cold, boto3": "120 ms", "cold, empty, in a VPC": "50 ms", "cold, boto3, in a VPC": "120 ms",
    "warm p50": "2 ms", FLOOR: "", "ten one-second sleeps": "1.2 s",
}  # fmt: skip
COLD, WARM = 7, 300


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench lambda", description=__doc__)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args(arguments)
    starters: list[Callable[[Path], Peer]] = [casemate] if options.no_peers else [casemate, ministack]
    rows: dict[str, dict[str, str]] = {"target": TARGETS}
    for start in starters:
        with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
            try:
                peer = start(Path(directory))
            except RuntimeError as error:
                print(f"{start.__name__}: not measured: {error}", file=sys.stderr)
                continue
            try:
                print(f"measuring {peer.name}", file=sys.stderr)
                time.sleep(2)
                rows[peer.name] = Bench(peer).measure()
            finally:
                peer.stop()
    print(markdown(rows))
    return 0


def markdown(rows: dict[str, dict[str, str]]) -> str:
    """The table of bench/README.md: a measure per row, a peer per column."""
    lines = ["| | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    measures = dict.fromkeys(measure for row in rows.values() for measure in row)
    lines += [
        f"| {one} | " + " | ".join(row.get(one, "") for row in rows.values()) + " |" for one in measures
    ]
    return "\n".join(lines)


class Bench:
    """One peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.lambda_ = client(peer, "lambda")
        iam = client(peer, "iam")
        trust = {
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }  # fmt: skip
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.attach_role_policy(
            RoleName="bench",
            PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
        )
        self.count = 0

    def measure(self) -> dict[str, str]:
        row: dict[str, str] = {}
        vpc = self.vpc()
        steps: dict[str, Callable[[], str]] = {
            "cold, empty": lambda: self.cold(EMPTY),
            "cold, boto3": lambda: self.cold(WITH_BOTO3),
            "cold, empty, in a VPC": lambda: self.cold(EMPTY, VpcConfig=vpc),
            "cold, boto3, in a VPC": lambda: self.cold(WITH_BOTO3, VpcConfig=vpc),
            "cold, Node.js": lambda: self.cold(NODE, Runtime="nodejs20.x"),
            "warm p50": lambda: self.warm(EMPTY)[0],
            FLOOR: self.floor,
            "warm p99": lambda: self.warm(EMPTY)[1],
            "warm p50, Node.js": lambda: self.warm(NODE, Runtime="nodejs20.x")[0],
            "ten one-second sleeps": lambda: self.sleeps(10)[0],
            "hundred one-second sleeps": lambda: self.sleeps(100)[0],
            "memory per environment (PSS)": lambda: self.sleeps(10)[1],
        }
        for name, step in steps.items():
            try:
                row[name] = step()
            except Exception as error:
                row[name] = f"failed: {type(error).__name__}"
        return row

    def vpc(self) -> dict[str, list[str]]:
        ec2 = client(self.peer, "ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="bench", Description="bench", VpcId=vpc)["GroupId"]
        return {"SubnetIds": [subnet], "SecurityGroupIds": [group]}

    def function(self, source: str, **changes: Any) -> str:
        self.count += 1
        name = f"bench-{self.count}"
        node = changes.get("Runtime", "").startswith("node")
        settings: dict[str, Any] = {
            "Runtime": "python3.11", "Role": self.role, "Handler": "index.handler" if node else "m.handler",
            "Timeout": 30, "MemorySize": 512,
        }  # fmt: skip
        code = {"ZipFile": package(source, "index.js" if node else "m.py")}
        self.lambda_.create_function(FunctionName=name, Code=code, **(settings | changes))
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def invoke(self, name: str, by: Any = None) -> None:
        answer = (by or self.lambda_).invoke(FunctionName=name)
        body = answer["Payload"].read()
        assert body == b"1", body

    def cold(self, source: str, **changes: Any) -> str:
        times: list[float] = []
        for number in range(COLD + 1):
            name = self.function(source, **changes)
            taken = timed(lambda name=name: self.invoke(name))
            times += [taken] if number else []  # the first one starts what all share
            self.lambda_.delete_function(FunctionName=name)
        return f"{statistics.median(times) * 1e3:.1f} ms"

    def warm(self, source: str, **changes: Any) -> tuple[str, str]:
        name = self.function(source, **changes)
        for _ in range(20):
            self.invoke(name)
        times = sorted(timed(lambda: self.invoke(name)) for _ in range(WARM))
        return f"{times[WARM // 2] * 1e3:.2f} ms", f"{times[WARM * 99 // 100] * 1e3:.2f} ms"

    def floor(self) -> str:
        """What the same client takes for an operation that does nothing."""
        times = [timed(self.lambda_.get_account_settings) for _ in range(WARM + 20)][20:]
        return f"{statistics.median(times) * 1e3:.2f} ms"

    def sleeps(self, many: int) -> tuple[str, str]:
        name = self.function(SLEEP)
        clients = [client(self.peer, "lambda") for _ in range(many)]
        before = self.peer.memory_mib()
        with ThreadPoolExecutor(many) as pool:
            taken = timed(lambda: list(pool.map(lambda by: self.invoke(name, by), clients)))
        memory = (self.peer.memory_mib() - before) / many
        self.lambda_.delete_function(FunctionName=name)
        return f"{taken:.2f} s", f"{memory:.1f} MiB"
