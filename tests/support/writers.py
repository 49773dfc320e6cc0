"""Processes that write until they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def written_until_killed(program: str, directory: Path, number: int) -> list[str]:
    """Run that source with the directory and the number; the lines it had printed whole when `kill -9` came."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(directory), str(number)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    # Rounds die at different depths of their work.
    time.sleep(0.03 * (number + 1))
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    return (first + rest).decode().split("\n")[:-1]
