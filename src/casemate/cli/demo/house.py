"""The demo's own instance: a child process, ephemeral, gone with everything it made."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from casemate.cli.demo.architecture import REGION
from casemate.cli.instance import WORKLOAD_ACCOUNT, fail
from casemate.gateway.control import ask


class DemoInstance:
    """Context manager: started on entry, stopped and wiped on exit."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="casemate-demo-")
        self._data = Path(self._directory.name)
        self._process: subprocess.Popen[str] | None = None
        self._endpoint = ""
        self._credentials: dict[str, dict[str, str]] = {}
        # botocore sessions may not be shared while clients are being made.
        self._lock = threading.Lock()
        self.seconds_to_ready = 0.0
        self.network = ""
        self.enforced = False

    def __enter__(self) -> Self:
        started = time.monotonic()
        argv = [
            sys.executable,
            "-m",
            "casemate.cli.main",
            "up",
            "--port",
            "0",
            "--ephemeral",
            "--data",
            str(self._data),
        ]
        log = self._data / "casemate.log"
        with log.open("w") as file:
            self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=file, text=True)  # noqa: S603
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ready "):
                self._endpoint = line.split()[1]
                break
        else:
            sys.stderr.write(log.read_text())
            fail("the demo's instance did not start")
        self.seconds_to_ready = time.monotonic() - started
        self._credentials = json.loads((self._data / "credentials.json").read_text())
        status = self.ask({"command": "status"})
        self.network = str(status["network"])
        self.enforced = bool(status["network_enforced"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
        self._directory.cleanup()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One control command."""
        answer = asyncio.run(ask(self._data / "control.sock", request))
        if "error" in answer:
            fail(f"the demo's instance: {answer['error']}")
        return answer

    def client(
        self,
        service: str,
        *,
        region: str = REGION,
        account: str = WORKLOAD_ACCOUNT,
        config: Any = None,
        credentials: dict[str, str] | None = None,
    ) -> Any:
        """A boto3 client: as the account's administrator, or with session credentials."""
        import boto3

        keys = self._credentials[account]
        with self._lock:
            return cast("Any", boto3.client)(
                service,
                region_name=region,
                endpoint_url=self._endpoint,
                aws_access_key_id=credentials["AccessKeyId"] if credentials else keys["access_key_id"],
                aws_secret_access_key=credentials["SecretAccessKey"]
                if credentials
                else keys["secret_access_key"],
                aws_session_token=credentials["SessionToken"] if credentials else None,
                config=config,
            )
