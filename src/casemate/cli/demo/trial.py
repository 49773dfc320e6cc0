"""Trying one case: a real call, and then the question why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from casemate.cli.demo.architecture import REGION, TABLE, Architecture, Client
from casemate.cli.demo.cases import Case, Expected

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""The control socket of the instance."""

_TIMEOUTS = {"ConnectTimeoutError", "ReadTimeoutError"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What happened in a case, and why."""

    case: Case
    happened: Expected | None
    """None: something else than the three."""
    saw: str
    """What the SDK saw, in a line."""
    why: dict[str, Any]
    """The instance's explanation: `path`, `decided`, `remedy`, `outcome`."""

    @property
    def as_expected(self) -> bool:
        return self.happened is self.case.expected

    @property
    def explanation_agrees(self) -> bool:
        """The instance foretold, from its model alone, what the packets did."""
        foretold = {
            "allowed": Expected.WORKS,
            "refused": Expected.REFUSED,
            "never arrives": Expected.TIMES_OUT,
        }
        return foretold.get(self.why["outcome"]) is self.happened


def attempt(case: Case, architecture: Architecture, client: Client, ask: Ask) -> Trial:
    """Make the call of a case and explain it."""
    kind, _, name = case.source.partition(":")
    if kind == "lambda":
        result = _invoke(case, client("lambda"), name)
    elif kind == "role":
        result = _call(client, case, role=architecture.break_glass)
    else:
        result = _call(client, case, role=None)
    why = ask(
        {
            "command": "explain",
            "from": case.source,
            "to": f"dynamodb:{TABLE}",
            "action": "dynamodb:GetItem",
            "account": architecture.account,
            "region": REGION,
            "target_region": case.region,
        }
    )["json"]
    return Trial(case=case, happened=_happened(result), saw=_saw(result), why=why)


def _invoke(case: Case, client: Any, name: str) -> dict[str, Any]:
    event = {"table": TABLE, "region": case.region, "checkip": case.checkip}
    response = client.invoke(FunctionName=name, Payload=json.dumps(event))
    payload = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        return {
            "ok": False,
            "error": payload.get("errorType", "Unhandled"),
            "message": payload.get("errorMessage"),
        }
    return payload


def _call(client: Client, case: Case, *, role: str | None) -> dict[str, Any]:
    """From this process: the laptop."""
    config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
    credentials = None
    if role is not None:
        credentials = client("sts").assume_role(RoleArn=role, RoleSessionName="incident-42")["Credentials"]
    started = time.monotonic()
    try:
        dynamodb = client("dynamodb", region=case.region, config=config, credentials=credentials)
        item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "1"}})["Item"]
        result: dict[str, Any] = {"ok": True, "item": item["what"]["S"]}
    except ClientError as error:
        response: Any = error.response
        result = {
            "ok": False,
            "error": response["Error"]["Code"],
            "status": response["ResponseMetadata"]["HTTPStatusCode"],
        }
    except BotoCoreError as error:
        result = {"ok": False, "error": type(error).__name__}
    return {**result, "seconds": round(time.monotonic() - started, 2)}


def _happened(result: dict[str, Any]) -> Expected | None:
    if result["ok"]:
        return Expected.WORKS
    if result["error"] in _TIMEOUTS:
        return Expected.TIMES_OUT
    return Expected.REFUSED if result["error"] == "AccessDeniedException" else None


def _saw(result: dict[str, Any]) -> str:
    seconds = f"{result['seconds']:.2f} s" if "seconds" in result else ""
    if result["ok"]:
        text = f"200, the item ({seconds})"
    elif "status" in result:
        text = f"{result['status']} {result['error']}"
    elif result["error"] in _TIMEOUTS:
        text = f"{result['error']} after {seconds}"
    else:
        text = f"{result['error']}: {result.get('message', '')}"
    if result.get("public_address"):
        text += f"; internet sees {result['public_address']}"
    return text
