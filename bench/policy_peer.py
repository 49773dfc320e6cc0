"""npm @cloud-copilot/iam-simulate as a black box: installed into an ignored folder, driven over a pipe."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".npm-peers"
PACKAGE = "@cloud-copilot/iam-simulate"


class NoPeerError(Exception):
    """The peer cannot be measured here; the text says why."""


class IamSimulate:
    """A Node process that decides what it is told to, and says how long it took."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            raise NoPeerError("node is not installed")
        _install()
        manifest = PEERS / "node_modules" / PACKAGE / "package.json"
        self.version: str = json.loads(manifest.read_text())["version"]
        argv = [node, str(Path(__file__).with_name("policy_peer.mjs")), str(PEERS)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise NoPeerError("its process ended; see the error above")
        return json.loads(line)


def _install() -> None:
    if (PEERS / "node_modules" / PACKAGE).exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NoPeerError("npm is not installed")
    PEERS.mkdir(exist_ok=True)
    (PEERS / "package.json").write_text('{"private": true}')
    argv = [npm, "install", "--no-audit", "--no-fund", "--silent", PACKAGE]
    done = subprocess.run(argv, cwd=PEERS, capture_output=True, text=True, check=False, timeout=180)
    if done.returncode != 0:
        raise NoPeerError(f"npm install {PACKAGE} failed: {done.stderr.strip()[-200:]}")
