"""A real Casemate in a process of its own: `casemate up`, as a user starts it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from casemate.gateway.control import ask

ROOT = Path(__file__).parents[2]
WORKLOAD = "000000000000"
MANAGEMENT = "111111111111"
REGION = "us-east-2"

_FAST = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)


class Instance:
    """Started by `start`, ended by `stop` (SIGTERM) or `kill` (SIGKILL); may be started again on the same data."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.endpoint = ""
        self.process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def start(self) -> Instance:
        self.data.mkdir(parents=True, exist_ok=True)
        argv = [
            sys.executable,
            "-m",
            "casemate.cli.main",
            "up",
            "--port",
            "0",
            "--data",
            str(self.data),
            *self.options,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.endpoint = line.split()[1]
                return self
        raise AssertionError(f"casemate did not start:\n{self.log.read_text()}")

    @property
    def log(self) -> Path:
        return self.data / "test.log"

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def ask(self, **request: Any) -> dict[str, Any]:
        return asyncio.run(ask(self.data / "control.sock", request))

    def keys(self, account: str = WORKLOAD) -> dict[str, str]:
        return json.loads((self.data / "credentials.json").read_text())[account]

    def client(
        self,
        service: str,
        *,
        region: str = REGION,
        account: str = WORKLOAD,
        credentials: dict[str, Any] | None = None,
        config: Config = _FAST,
    ) -> Any:
        keys = self.keys(account)
        with self._lock:
            return boto3.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=credentials["AccessKeyId"] if credentials else keys["access_key_id"],
                aws_secret_access_key=credentials["SecretAccessKey"]
                if credentials
                else keys["secret_access_key"],
                aws_session_token=credentials.get("SessionToken") if credentials else None,
                config=config,
            )
