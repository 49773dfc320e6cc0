"""aws-lambda-powertools, unmodified, inside functions here and against tables here."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.private_table import PrivateTable, unique

pytestmark = pytest.mark.kernel

SOURCE = """
import os
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

LAYER = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"], key_attr="id")
CONFIG = IdempotencyConfig(event_key_jmespath="order", payload_validation_jmespath="amount", expires_after_seconds=60)
RUNS = [0]

@idempotent(config=CONFIG, persistence_store=LAYER)
def pay(event, context):
    RUNS[0] += 1
    if event.get("fail"):
        raise RuntimeError("declined")
    return {"paid": event["order"], "runs": RUNS[0]}

PROCESSOR = BatchProcessor(event_type=EventType.DynamoDBStreams)

def record(record):
    image = record.dynamodb.new_image
    if image["bad"]:
        raise ValueError("bad record")
    return image["id"]

def batch(event, context):
    return process_partial_response(event=event, record_handler=record, processor=PROCESSOR, context=context)
"""


def archive() -> bytes:
    """The function with the libraries it needs, as `pip install --target` would have it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("app.py", SOURCE)
        for name in ("aws_lambda_powertools", "typing_extensions"):
            spec = importlib.util.find_spec(name)
            assert spec is not None, f"{name} is a development dependency: scripts/setup"
            assert spec.origin is not None
            origin = Path(spec.origin)
            files = origin.parent.rglob("*.py") if spec.submodule_search_locations else [origin]
            top = origin.parent.parent if spec.submodule_search_locations else origin.parent
            for path in files:
                made.write(path, path.relative_to(top))
    return buffer.getvalue()


def function(world: PrivateTable, handler: str, table: str) -> str:
    name = unique("powertools")
    world.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=world.role({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}),
        Handler=handler,
        Code={"ZipFile": archive()},
        Timeout=15,
        MemorySize=512,
        Environment={"Variables": {"TABLE": table, "POWERTOOLS_SERVICE_NAME": "test"}},
    )
    world.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def invoke(world: PrivateTable, name: str, event: Any) -> Any:
    return json.loads(world.lambda_.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())


def test_the_idempotency_utility(world: PrivateTable) -> None:
    table = world.table()
    pay = function(world, "app.pay", table)
    first = invoke(world, pay, {"order": "a", "amount": 1})
    assert first == {"paid": "a", "runs": 1}
    assert invoke(world, pay, {"order": "a", "amount": 1}) == first  # answered from the table
    assert invoke(world, pay, {"order": "b", "amount": 1}) == {"paid": "b", "runs": 2}
    other = invoke(world, pay, {"order": "a", "amount": 2})
    assert other["errorType"] == "IdempotencyValidationError"
    failed = invoke(world, pay, {"order": "c", "amount": 1, "fail": True})
    assert failed["errorType"] == "RuntimeError"
    assert invoke(world, pay, {"order": "c", "amount": 1})["paid"] == "c"  # a failure leaves no record


def stream_record(number: int, *, bad: bool) -> dict[str, Any]:
    """As DynamoDB Streams hands them to Lambda: "Using AWS Lambda with Amazon DynamoDB"."""
    return {
        "eventID": str(number), "eventVersion": "1.1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:dynamodb:us-east-2:000000000000:table/t/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600, "SequenceNumber": f"{number:021}", "SizeBytes": 20,
            "StreamViewType": "NEW_IMAGE", "Keys": {"id": {"S": str(number)}},
            "NewImage": {"id": {"S": str(number)}, "bad": {"BOOL": bad}},
        },
    }  # fmt: skip


def test_the_batch_utility(world: PrivateTable) -> None:
    batch = function(world, "app.batch", world.table())
    records = [stream_record(number, bad=number == 2) for number in range(4)]
    assert invoke(world, batch, {"Records": records}) == {
        "batchItemFailures": [{"itemIdentifier": f"{2:021}"}]
    }
    assert invoke(world, batch, {"Records": records[:2]}) == {"batchItemFailures": []}
    everything = invoke(world, batch, {"Records": records[2:3]})
    assert everything["errorType"] == "BatchProcessingError"
