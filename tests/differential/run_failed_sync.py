"""A disk that fails: strace has the kernel refuse one sync of the items' log under sixteen writers.

PYTHONPATH=src:. python tests/differential/run_failed_sync.py [--at 200]

Everybody of the group whose sync failed is told so, nobody who comes later is told anything else (what failed may have
been dropped by the kernel, ahead of what a later sync would write), reads go on, and after the next start everything
that was acknowledged is there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from tests.support.durability import TABLE, WRITERS, make_table  # noqa: E402
from tests.support.instance import Instance  # noqa: E402

_CONFIG = Config(retries={"total_max_attempts": 1}, max_pool_connections=WRITERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--at", type=int, default=200, help="which sync fails")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="casemate-failed-sync-") as name:
        instance = Instance(Path(name) / "data", "--dataplane", "off").start()
        try:
            make_table(instance)
            _run(instance, options.at)
        finally:
            if instance.process is not None:
                instance.kill()


def _run(instance: Instance, at: int) -> None:
    client = instance.client("dynamodb", config=_CONFIG)
    assert instance.process is not None
    inject = f"inject=fdatasync:error=EIO:when={at}"
    argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject]
    tracer = subprocess.Popen([*argv, "-p", str(instance.process.pid)])
    time.sleep(0.5)
    with ThreadPoolExecutor(WRITERS) as writers:
        made = list(writers.map(_write_until_refused, [client] * WRITERS, range(WRITERS)))
    acknowledged = [one for written, _ in made for one in written]
    # Each writer's first refusal, and five more tries of each: none is acknowledged.
    assert all(code == "InternalServerError" for _, codes in made for code in codes), made
    assert all(_get(client, one) == one for one in acknowledged)
    tracer.terminate()
    tracer.wait()
    instance.kill()
    instance.start()
    client = instance.client("dynamodb", config=_CONFIG)
    assert all(_get(client, one) == one for one in acknowledged)
    client.put_item(TableName=TABLE, Item=_item("after"))
    print(
        f"sync {at} failed: {len(acknowledged)} acknowledged writes are there, "
        f"{sum(len(codes) for _, codes in made)} later ones were refused"
    )


def _write_until_refused(client: Any, writer: int) -> tuple[list[str], list[str]]:
    acknowledged: list[str] = []
    for number in range(100_000):
        try:
            client.put_item(TableName=TABLE, Item=_item(f"{writer}-{number}"))
        except ClientError as error:
            codes = [_code(error)]
            return acknowledged, codes + [_refusal(client, f"{writer}-more-{more}") for more in range(5)]
        acknowledged.append(f"{writer}-{number}")
    raise AssertionError("no sync failed")


def _refusal(client: Any, name: str) -> str:
    try:
        client.put_item(TableName=TABLE, Item=_item(name))
    except ClientError as error:
        return _code(error)
    return "acknowledged"


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _get(client: Any, name: str) -> str | None:
    return client.get_item(TableName=TABLE, Key={"id": {"S": name}}).get("Item", {}).get("id", {}).get("S")


def _item(name: str) -> dict[str, Any]:
    return {"id": {"S": name}, "value": {"S": name}}


if __name__ == "__main__":
    main()
