"""The sentences of Lambda's pages that state behaviour, each asked of the real engine through boto3.

A case has the page, the sentence in our words, a short quote, and steps (`tests.support.case_steps`). `function` makes a
function first; `account` asks as another account's administrator; `observed` is where the text of an answer was seen. A
JMESPath that begins with `Payload` reads the parsed payload; `Log` is the decoded LogResult.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from tests.support.case_steps import check_answer, check_refusal, keep, resolved
from tests.support.private_table import PrivateTable, unique

pytestmark = pytest.mark.kernel
HERE = Path(__file__).parent
PATIENCE = 10.0
"""Seconds for what the page says happens later."""


def cases(name: str) -> list[Any]:
    """The cases of a table; its `program` comes before each function's own lines."""
    table = json.loads((HERE / f"{name}.json").read_text())
    found: list[Any] = []
    for case in table["cases"]:
        if "source" in case.get("function", {}):
            lines = [*table.get("program", ()), *case["function"].pop("source")]
            case["function"]["files"] = {"m.py": "\n".join(lines)} | case["function"].get("files", {})
        found.append(pytest.param(case, id=case["name"]))
    return found


@pytest.mark.parametrize("case", cases("runtime_api"))
def test_runtime_api(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("invocation"))
def test_invocation(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("errors"))
def test_errors(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("networking"))
def test_networking(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("runtime_client"))
def test_runtime_client(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("environment"))
def test_environment(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


@pytest.mark.parametrize("case", cases("management"))
def test_management(world: PrivateTable, case: dict[str, Any]) -> None:
    Script(world, case).run()


class Script:
    """A case, being played."""

    def __init__(self, world: PrivateTable, case: dict[str, Any]) -> None:
        assert case["page"]
        assert case["sentence"]
        assert case["quote"]
        self.world = world
        self.case = case
        self.kept: dict[str, Any] = {}

    def run(self) -> None:
        if "vpc" in self.case:
            self._vpc()
        if "function" in self.case:
            self._function(dict(self.case["function"]))
        checked = 0
        for step in self.case["steps"]:
            checked += self._eventually(step) if step.get("eventually") else self._step(step)
        assert checked, "a case that expects nothing cannot fail"

    def _vpc(self) -> None:
        vpc = self.world.vpc()
        self.kept |= {"vpc": vpc.vpc_id, "subnet": vpc.subnet("a"), "subnet2": vpc.subnet("b")}
        self.kept |= {"group": vpc.group(), "group2": vpc.group()}

    def _function(self, settings: dict[str, Any]) -> None:
        files = settings.pop("files")
        role = settings.pop("role", None)
        self.kept["role"] = self._role(role) if role else self.world.role()
        self.kept["role_name"] = self.kept["role"].rpartition("/")[2]
        self.kept["function"] = self.create(files, **self.resolved(settings))
        self.kept["zip"] = zipped_programs(files)
        self.kept["other"] = zipped_programs({"m.py": "def handler(event, context):\n    return 'other'\n"})

    def _role(self, role: dict[str, Any]) -> str:
        return self.world.role(*role["statements"], managed=role.get("managed", ""))

    def create(self, files: dict[str, str], **settings: Any) -> str:
        name = unique("page")
        values: dict[str, Any] = {
            "FunctionName": name, "Runtime": "python3.12", "Handler": "m.handler", "Role": self.kept["role"],
            "Code": {"ZipFile": zipped_programs(files)}, "Timeout": 10,
        }  # fmt: skip
        self.world.lambda_.create_function(**(values | settings))
        waiter = self.world.lambda_.get_waiter("function_active_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def resolved(self, value: Any) -> Any:
        """With `$name` replaced by what was kept."""
        return resolved(value, self.kept)

    def _eventually(self, step: dict[str, Any]) -> int:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._step(step)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _step(self, step: dict[str, Any]) -> int:
        service, _, operation = step["call"].rpartition(".")
        params = self.resolved(step.get("with", {}))
        if operation == "invoke" and "FunctionName" not in params:
            params["FunctionName"] = self.kept["function"]
        if "repeat" in step:
            params["Payload"] = json.dumps("x" * step["repeat"])
        client = self._client(service, step)
        if "error" in step:
            return check_refusal(step["error"], getattr(client, operation), params, self.kept)
        answer = readable(getattr(client, operation)(**params))
        keep(step, answer, self.kept)
        return check_answer(step, answer, self.kept)

    def _client(self, service: str, step: dict[str, Any]) -> Any:
        """The workload account's, or that of `account`."""
        if "account" in step:
            return self.world.instance.client(service, account=step["account"])
        return self.world.lambda_ if service == "lambda" else self.world.instance.client(service)


def readable(answer: dict[str, Any]) -> dict[str, Any]:
    """With the payload parsed and the log decoded."""
    if "Payload" in answer:
        text = answer["Payload"].read()
        try:
            answer["Payload"] = json.loads(text) if text else None
        except ValueError:
            answer["Payload"] = text.decode("latin-1")
        answer["PayloadText"] = text.decode("latin-1")
    if "LogResult" in answer:
        answer["Log"] = b64decode(answer["LogResult"]).decode()
        answer["LogBytes"] = len(b64decode(answer["LogResult"]))
    return answer


def zipped_programs(files: dict[str, str]) -> bytes:
    """What begins with `#!` is executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o755 if text.startswith("#!") else 0o644) << 16
            archive.writestr(info, text)
    return buffer.getvalue()
