"""docs/break-glass.md, run as it stands: every command, then what the page says of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import MANAGEMENT, ROOT, Instance

PAGE = ROOT / "docs" / "break-glass.md"
ROLE = "arn:aws:iam::000000000000:role/break-glass"
AFTERWARDS = """
for name in id secret serial AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN request; do
    printf '%s=%s\\n' "$name" "${!name}"
done > variables
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One of its own: the page starts from nothing."""
    running = Instance(tmp_path_factory.mktemp("glass"), "--ephemeral", "--dataplane", "off").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def page(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page's variables after its commands, and under `output N` what section N printed."""
    place = tmp_path_factory.mktemp("page")
    (place / "casemate").write_text(f'#!/bin/sh\nexec {sys.executable} -m casemate.cli.main "$@"\n')
    (place / "casemate").chmod(0o755)
    sections = re.split(r"^## (\d)\. .*$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    script = ["set -euo pipefail"]
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        script.append(f"exec > output{number}")
        script += re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        if number == "4":
            script.append(AFTERWARDS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "PATH": f"{place}:{Path(sys.executable).parent}:{environment['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "CASEMATE_DATA": str(instance.data),
    }
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", "\n".join(script)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = (place / "variables").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    found |= {f"output {number}": (place / f"output{number}").read_text() for number in sections[::2]}
    return found


def session_keys(page: dict[str, str]) -> dict[str, str]:
    return {
        "AccessKeyId": page["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": page["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": page["AWS_SESSION_TOKEN"],
    }


def refused(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
    return error.value.response["Error"]["Message"]


def test_the_role_got_in_and_nobody_else_does(instance: Instance, page: dict[str, str]) -> None:
    assert json.loads(page["output 3"])["Count"] == 0
    administrator = instance.client("dynamodb")
    message = refused(administrator.scan, TableName="orders")
    assert "with an explicit deny in a service control policy" in message


def test_the_glass_does_not_break_without_each_condition(instance: Instance, page: dict[str, str]) -> None:
    keys = {"AccessKeyId": page["id"], "SecretAccessKey": page["secret"]}
    ann = instance.client("sts", credentials=keys)
    right: dict[str, Any] = {"RoleArn": ROLE, "RoleSessionName": "incident-43", "SourceIdentity": "ann"}
    refusal = "because no role trust policy allows the sts:AssumeRole action"
    assert refusal in refused(ann.assume_role, **right), "no code"
    wrong_code = {"SerialNumber": page["serial"], "TokenCode": "000000"}
    assert "invalid MFA one time pass code" in refused(ann.assume_role, **right, **wrong_code)
    administrator = instance.client("sts")
    assert refusal in refused(administrator.assume_role, **right)
    everybody = instance.client("dynamodb", credentials=keys)
    refused(everybody.scan, TableName="orders")


def test_the_record_names_the_person_the_incident_and_the_exception(
    instance: Instance, page: dict[str, str]
) -> None:
    assert "ann\tAssumeRole" in page["output 4"]
    assert ROLE in page["output 4"]
    assert "assumed-role/break-glass/incident-42" in page["output 4"]
    exception = rf"ArnNotLike aws:PrincipalArn: policy {ROLE}, request: {ROLE} -> does not match"
    assert exception in " ".join(page["output 4"].split())
    event = instance.ask(command="event", request_id=page["request"])["json"]
    assert event["eventName"] == "Scan"
    assert event["userIdentity"]["sessionContext"]["sourceIdentity"] == "ann"
    assert event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == ROLE


def test_revoking_ends_the_session(instance: Instance, page: dict[str, str]) -> None:
    closed = instance.client("dynamodb", credentials=session_keys(page))
    assert "with an explicit deny in an identity-based policy" in refused(closed.scan, TableName="orders")


def test_only_the_management_account_changes_the_exception(instance: Instance, page: dict[str, str]) -> None:
    del page
    refused(instance.client("organizations").list_policies, Filter="SERVICE_CONTROL_POLICY")
    management = instance.client("organizations", account=MANAGEMENT)
    names = [one["Name"] for one in management.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]]
    assert "DenyDynamoDBOutsideVPC" in names
