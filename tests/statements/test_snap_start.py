"""SnapStart as a user has it: boto3 against a running instance, a function in a VPC that used DynamoDB while it initialized.

Sources: Lambda Developer Guide, "Improving startup performance with Lambda SnapStart" and the pages below it.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support.private_table import PrivateTable, unique, zipped

pytestmark = pytest.mark.kernel

_SOURCE = """
import os, time, uuid
import boto3
from snapshot_restore_py import register_after_restore, register_before_snapshot

ID = str(uuid.uuid4())
DYNAMODB = boto3.client("dynamodb")
if "TABLE" in os.environ:
    DYNAMODB.get_item(TableName=os.environ["TABLE"], Key={"id": {"S": "1"}})
if os.environ["AWS_LAMBDA_FUNCTION_VERSION"] != "$LATEST":
    print("initialized for a version")
HOOKS = []
register_before_snapshot(HOOKS.append, "before")
register_after_restore(HOOKS.append, "after")

def handler(event, context):
    began = time.monotonic()
    item = DYNAMODB.get_item(TableName=os.environ["TABLE"], Key={"id": {"S": "1"}})["Item"]
    took = time.monotonic() - began
    time.sleep(event["sleep"])
    return {
        "id": ID, "own": str(uuid.uuid4()), "hooks": HOOKS, "what": item["what"]["S"], "took": took,
        "key": DYNAMODB._request_signer._credentials.get_frozen_credentials().access_key,
        "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "absent": sorted({"AWS_ACCESS_KEY_ID", "AWS_LAMBDA_LOG_STREAM_NAME"} & os.environ.keys()),
    }
"""


def _create(world: PrivateTable, source: str = _SOURCE, **params: Any) -> str:
    name = unique("snap")
    world.lambda_.create_function(
        **{
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": world.role(),
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped({"app.py": source})},
            "Timeout": 15,
            "MemorySize": 256,
            "SnapStart": {"ApplyOn": "PublishedVersions"},
        }
        | params
    )
    return name


def _publish(world: PrivateTable, name: str) -> dict[str, Any]:
    """Publish a version, and wait as one must on AWS."""
    published = world.lambda_.publish_version(FunctionName=name)
    world.lambda_.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=published["Version"], WaiterConfig={"Delay": 1}
    )
    return published


def _invoke(world: PrivateTable, name: str, version: str = "1", sleep: float = 0.0) -> Any:
    answer = world.lambda_.invoke(FunctionName=name, Qualifier=version, Payload=json.dumps({"sleep": sleep}))
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    return said


def _log(world: PrivateTable, name: str) -> list[str]:
    time.sleep(0.3)  # lines are written together, four times a second
    events = world.instance.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [one["message"] for one in events]


def test_environments_of_a_version_begin_from_one_initialization(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    vpc.endpoint("private")
    config = {"SubnetIds": [subnet], "SecurityGroupIds": [vpc.group()]}
    name = _create(world, VpcConfig=config, Environment={"Variables": {"TABLE": table}})
    published = _publish(world, name)
    assert (published["State"], published["StateReasonCode"]) == ("Pending", "Creating")
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    settled = world.lambda_.get_function_configuration(FunctionName=name, Qualifier="1")
    assert (settled["State"], settled["SnapStart"]["OptimizationStatus"]) == ("Active", "On")
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: _invoke(world, name, sleep=0.5), range(2))
    assert one["own"] != other["own"], "what is drawn afterwards is each environment's own"
    assert one["id"] == other["id"], "what is drawn while initializing is everybody's"
    assert one["hooks"] == other["hooks"] == ["before", "after"]
    assert one["what"] == other["what"] == "it", "the connection is gone, and the client makes another"
    assert max(one["took"], other["took"]) < 2
    assert one["key"] != other["key"], "the client asks for credentials anew"
    assert one["type"] == "snap-start"
    assert one["absent"] == []
    lines = _log(world, name)
    assert lines.count("initialized for a version\n") == 1
    assert sum(line.startswith("RESTORE_REPORT Restore Duration: ") for line in lines) == 2
    reports = [line for line in lines if line.startswith("REPORT ")]
    assert all("\tRestore Duration: " in line and "\tBilled Restore Duration: " in line for line in reports)
    assert not any("Init Duration" in line for line in reports)
    assert not [line for line in lines if line.startswith("casemate: initialized anew")]
    assert _invoke(world, name)["hooks"] == ["before", "after"], "once for each environment"
    latest = _invoke(world, name, "$LATEST")
    assert (latest["type"], latest["hooks"]) == ("on-demand", [])
    world.lambda_.delete_function(FunctionName=name)


def test_a_version_whose_initialization_fails_is_failed(world: PrivateTable) -> None:
    name = _create(world, "raise RuntimeError('no')")
    world.lambda_.publish_version(FunctionName=name)
    settled = world.lambda_.get_function_configuration(FunctionName=name, Qualifier="1")
    assert settled["State"] == "Failed"
    assert settled["StateReasonCode"] == "FunctionError.RuntimeInitError"
    with pytest.raises(world.lambda_.exceptions.ResourceConflictException, match="state: Failed"):
        world.lambda_.invoke(FunctionName=name, Qualifier="1")


def test_a_hook_that_fails_after_a_restore_fails_the_invocation(world: PrivateTable) -> None:
    name = _create(
        world,
        """
from snapshot_restore_py import register_after_restore
register_after_restore(lambda: 1 / 0)
def handler(event, context): pass
""",
    )
    _publish(world, name)
    with pytest.raises(world.lambda_.exceptions.SnapStartException):
        world.lambda_.invoke(FunctionName=name, Qualifier="1")
    lines = _log(world, name)
    assert any("ZeroDivisionError" in line for line in lines)
    (report,) = [line for line in lines if line.startswith("RESTORE_REPORT")]
    assert report.endswith("Status: error\tError Type: Runtime.AfterRestoreError\n")
