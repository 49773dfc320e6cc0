"""Cold starts and warm invocations: `PYTHONPATH=src:. python bench/execution.py` (as root).

Namespaces come from the stand-in of the tests (loopback only), so an interface's cost is not in it.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.kernel.execution.conftest import Machine
from tests.support.lone_network import LoneNetwork

from casemate.execution.supervisor import Settings, Supervisor

FUNCTIONS = {
    "empty": "def handler(e, c): return e",
    "boto3 table": "import boto3\nTABLE = boto3.resource('dynamodb').Table('t')\ndef handler(e, c): return e",
    "boto3 client": "import boto3\nCLIENT = boto3.client('dynamodb')\ndef handler(e, c): return e",
}


def show(name: str, times: list[float]) -> None:
    times.sort()
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    print(
        f"{name:38} min {times[0]:7.2f}  p50 {statistics.median(times):7.2f}  p99 {p99:7.2f} ms  n={len(times)}"
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        network = LoneNetwork()
        supervisor = Supervisor(network, Settings(data_dir=Path(directory)))
        began = time.perf_counter()
        await supervisor.start()
        print(f"fork-server ready in {(time.perf_counter() - began) * 1000:.0f} ms")
        machine = Machine(supervisor, network)
        for name, source in FUNCTIONS.items():
            cold: list[float] = []
            for _ in range(30):
                function = machine.function(source, memory_mb=512)
                began = time.perf_counter()
                outcome = await machine.invoke(function, 1)
                cold.append((time.perf_counter() - began) * 1000)
                assert outcome.payload == b"1"
                supervisor.retire(function.arn)
            show(f"cold, {name}", cold)
        function = machine.function(FUNCTIONS["empty"])
        await machine.invoke(function, 1)
        warm: list[float] = []
        for _ in range(2000):
            began = time.perf_counter()
            await machine.invoke(function, 1)
            warm.append((time.perf_counter() - began) * 1000)
        show("warm, one after the other", warm)
        function = machine.function("import time\ndef handler(e, c): time.sleep(1)")
        began = time.perf_counter()
        await asyncio.gather(*(machine.invoke(function, 1) for _ in range(10)))
        print(f"ten one-second sleeps at once, cold: {time.perf_counter() - began:.2f} s")
        await supervisor.close()
        await network.close()


if __name__ == "__main__":
    asyncio.run(main())
