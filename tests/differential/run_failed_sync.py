"""A disk that fails: strace has the kernel refuse one sync of the items' log under sixteen writers and as many readers.

PYTHONPATH=src:. python tests/differential/run_failed_sync.py [--at 200]

Everybody of the group whose sync failed is told so, nobody who comes later is told anything else (what failed may have
been dropped by the kernel, ahead of what a later sync would write), and after the next start everything that was
acknowledged is there. So is everything that a reader was shown: each reads, again and again, what a writer may be writing
just then. Who looks at what was not synced is told the error; all else is read on.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from tests.support.durability import TABLE, WRITERS, make_table  # noqa: E402
from tests.support.instance import Instance  # noqa: E402

_CONFIG = Config(retries={"total_max_attempts": 1}, max_pool_connections=2 * WRITERS)


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
    readers = [_Reader(client, writer) for writer in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as writers:
        made = list(writers.map(_write_until_refused, [client] * WRITERS, range(WRITERS)))
    for reader in readers:
        reader.stop()
    acknowledged = [one for written, _ in made for one in written]
    # Each writer's first refusal, and five more tries of each: none is acknowledged.
    assert all(code == "InternalServerError" for _, codes in made for code in codes), made
    assert all(_get(client, one) == one for one in acknowledged)
    # The first write of each writer that was refused is there to be looked at, and nobody is shown it.
    unsynced = [
        _code_of_reading(client, f"{writer}-{len(written)}") for writer, (written, _) in enumerate(made)
    ]
    assert "InternalServerError" in unsynced, unsynced
    assert not set(unsynced) - {"InternalServerError", "nothing"}, unsynced
    told = [code for reader in readers for code in reader.codes]
    assert set(told) <= {"InternalServerError"}, told
    tracer.terminate()
    tracer.wait()
    instance.kill()
    instance.start()
    client = instance.client("dynamodb", config=_CONFIG)
    assert all(_get(client, one) == one for one in acknowledged)
    shown = [one for reader in readers for one in reader.shown]
    assert all(_get(client, one) == one for one in shown)
    client.put_item(TableName=TABLE, Item=_item("after"))
    print(
        f"sync {at} failed: {len(acknowledged)} acknowledged writes are there, "
        f"{sum(len(codes) for _, codes in made)} later ones were refused; readers were shown {len(shown)} items that "
        f"are there, {len(told)} of them and {unsynced.count('InternalServerError')} later ones the error"
    )


class _Reader:
    """Reads what a writer writes: each item again and again until it is there, then the next."""

    def __init__(self, client: Any, writer: int) -> None:
        self._client = client
        self._writer = writer
        self._over = threading.Event()
        self.shown: list[str] = []
        self.codes: list[str] = []
        """Errors."""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for number in itertools.count():
            name = f"{self._writer}-{number}"
            while (found := _code_of_reading(self._client, name)) == "nothing":
                if self._over.is_set():
                    return
            if found != "shown":
                self.codes.append(found)
                return
            self.shown.append(name)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


def _code_of_reading(client: Any, name: str) -> str:
    try:
        return "nothing" if _get(client, name) is None else "shown"
    except ClientError as error:
        return _code(error)


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
