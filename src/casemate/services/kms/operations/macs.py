"""GenerateMac, VerifyMac."""

from __future__ import annotations

import hmac

from casemate.servicekit.service import Context, Output, Params
from casemate.services.kms.errors import dry_run, invalid_mac, require_length, validation
from casemate.services.kms.names import named
from casemate.services.kms.operations.keys import mac_algorithm
from casemate.services.kms.permissions import Keys, on_key
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import check_grant_tokens, require_usable

_USAGE = "GENERATE_VERIFY_MAC"
_MOST_MESSAGE = 4096
"""API Reference, GenerateMac: bytes."""


def _algorithm(params: Params) -> Keys:
    return {"kms:MacAlgorithm": params["MacAlgorithm"]}


def _ready(ctx: Context[KmsState], params: Params, operation: str) -> KeyRecord:
    key = named(ctx, ctx.state, params["KeyId"]).key
    require_length(params, "Message", _MOST_MESSAGE)
    check_grant_tokens(ctx.state, ctx.region, params.get("GrantTokens"))
    require_usable(key, _USAGE, operation)
    if params["MacAlgorithm"] != mac_algorithm(key):
        raise validation(f"Algorithm {params['MacAlgorithm']} and key spec {key.spec} are incompatible.")
    return key


@operations.operation(
    "GenerateMac", checks=on_key("GenerateMac", abroad=True, aliases=True, request=_algorithm)
)
def generate_mac(ctx: Context[KmsState], params: Params) -> Output:
    key = _ready(ctx, params, "GenerateMac")
    if params.get("DryRun"):
        raise dry_run()
    mac = ctx.state.ring.mac(key, params["Message"])
    return {"Mac": mac, "MacAlgorithm": params["MacAlgorithm"], "KeyId": key.arn}


@operations.operation("VerifyMac", checks=on_key("VerifyMac", abroad=True, aliases=True, request=_algorithm))
def verify_mac(ctx: Context[KmsState], params: Params) -> Output:
    key = _ready(ctx, params, "VerifyMac")
    if not hmac.compare_digest(ctx.state.ring.mac(key, params["Message"]), params["Mac"]):
        raise invalid_mac()
    if params.get("DryRun"):
        raise dry_run()
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": params["MacAlgorithm"]}
