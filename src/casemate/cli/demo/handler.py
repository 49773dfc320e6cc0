"""The code of the demo's functions: plain boto3, no endpoint URL. Its network and its role decide what happens."""

import os
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def handler(event, context):  # pyright: ignore  # noqa
    config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
    region = event.get("region", os.environ["AWS_REGION"])
    seen = _public_address() if event.get("checkip") else None
    started = time.monotonic()
    try:
        table = boto3.resource("dynamodb", region_name=region, config=config).Table(event["table"])
        response = table.get_item(Key={"id": "1"})
        result = {
            "ok": True,
            "item": response["Item"]["what"],
            "request_id": response["ResponseMetadata"]["RequestId"],
        }
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        result = {
            "ok": False,
            "error": error.response["Error"]["Code"],
            "status": metadata["HTTPStatusCode"],
            "message": error.response["Error"]["Message"],
            "request_id": metadata["RequestId"],
        }
    except BotoCoreError as error:
        result = {"ok": False, "error": type(error).__name__, "message": str(error)}
    return {**result, "seconds": round(time.monotonic() - started, 2), "public_address": seen}


def _public_address():  # pyright: ignore
    try:
        with urllib.request.urlopen("http://checkip.amazonaws.com", timeout=2) as answer:
            return answer.read().decode().strip()
    except OSError as error:
        return f"unreachable ({error})"
