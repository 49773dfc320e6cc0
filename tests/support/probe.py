"""Code of the statements' functions: does what the event says, tells what happened. Plain boto3, no endpoint URL."""

import json
import os
import socket
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def handler(event, context):
    started = time.monotonic()
    try:
        result = {"ok": True, **globals()["do_" + event["do"]](**event.get("with", {}))}
    except ClientError as error:
        result = {
            "ok": False,
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "request_id": error.response["ResponseMetadata"].get("RequestId"),
        }
    except (BotoCoreError, OSError) as error:
        result = {"ok": False, "error": type(error).__name__, "message": str(error)}
    return {**result, "seconds": time.monotonic() - started, "pid": os.getpid()}


def do_dynamodb(operation="get_item", region=None, timeout=1.5, **params):
    config = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", region_name=region or os.environ["AWS_REGION"], config=config)
    response = getattr(client, operation)(**params)
    metadata = response.pop("ResponseMetadata")
    return {"response": json.loads(json.dumps(response, default=str)), "request_id": metadata["RequestId"]}


def do_call(service, operation, endpoint_url=None, timeout=1.5, params=None):
    config = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})
    client = boto3.client(
        service, region_name=os.environ["AWS_REGION"], endpoint_url=endpoint_url, config=config
    )
    response = getattr(client, operation)(**(params or {}))
    metadata = response.pop("ResponseMetadata")
    return {"response": json.loads(json.dumps(response, default=str)), "request_id": metadata["RequestId"]}


_kept = {}


def do_keep(table, timeout=1.0, attempts=1):
    """GetItem by a client that lives on between invocations, with its connection. The retries are botocore's own."""
    if attempts not in _kept:
        config = Config(
            connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": attempts}
        )
        _kept[attempts] = boto3.client("dynamodb", config=config)
    response = _kept[attempts].get_item(TableName=table, Key={"id": {"S": "1"}})
    metadata = response["ResponseMetadata"]
    return {"request_id": metadata["RequestId"], "retries": metadata["RetryAttempts"]}


def do_resolve(name):
    return {"address": socket.gethostbyname(name), "addresses": socket.gethostbyname_ex(name)[2]}


def do_families(name):
    return {"families": sorted({found[0].name for found in socket.getaddrinfo(name, 443)})}


def do_http(url, timeout=1.5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return {"body": answer.read().decode().strip()}


def do_connect(host, port, timeout=1.0):
    with socket.create_connection((host, port), timeout):
        return {}


def do_environment():
    return {"environment": dict(os.environ)}
