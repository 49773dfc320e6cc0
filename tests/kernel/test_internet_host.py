"""What leaves the machine: nothing, unless `--internet host` is given.

The machine is a stand-in: a network namespace with one web server at an address outside, in which a whole Casemate runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.instance import ROOT

pytestmark = pytest.mark.kernel
STAND_IN_MACHINE = Path(__file__).parents[1] / "support" / "stand_in_machine.py"


def run(tmp_path: Path, *options: str) -> dict[str, Any]:
    """What a function in a private subnet behind a NAT gateway finds, and what the machine's web server was asked."""
    own = ["--map-root-user", "--user"] if os.geteuid() else []
    done = subprocess.run(
        ["unshare", *own, "--net", sys.executable, str(STAND_IN_MACHINE), str(tmp_path), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([f"{ROOT}/src", str(ROOT), *sys.path[1:]])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_by_default_nothing_leaves_the_machine(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert "stand-in" in found["web"]["body"]
    assert found["asked"] == []
    assert "refused" in found["other port"]["message"]


def test_with_internet_host_tcp_goes_out_by_the_machine_and_nothing_else(tmp_path: Path) -> None:
    found = run(tmp_path, "--internet", "host")
    assert found["web"]["body"] == "the machine's own network"
    assert found["other port"]["body"] == "the machine's own network"
    assert found["asked"] == ["203.0.113.7", "203.0.113.7"], "seen as the machine itself"
    assert not found["nobody there"]["ok"]
    assert not found["the cloud's metadata"]["ok"]
    assert found["dynamodb"]["ok"], "AWS's own addresses stay here"
    assert found["without a way out"]["error"] in {"TimeoutError", "timeout", "URLError"}
