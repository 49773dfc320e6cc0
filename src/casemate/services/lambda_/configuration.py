"""A function's configuration: from an API input to checked values, and back to an API output. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from casemate.execution.variables import RESERVED
from casemate.servicekit.service import Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.state import Function

PYTHON_RUNTIMES = tuple(f"python3.{minor}" for minor in range(8, 16))
_ROLE = re.compile(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_ENVIRONMENT_BYTES = 4096
_REFUSED = {
    "Layers": "layers",
    "FileSystemConfigs": "file systems",
    "ImageConfig": "container images",
    "CapacityProviderConfig": "capacity providers",
    "DurableConfig": "durable functions",
    "TenancyConfig": "tenant isolation",
}
"""Parts of the API that are not built: refused, because ignoring them would run another function than was asked for."""


def settings(params: Params) -> dict[str, Any]:
    """The members of `Function` that an input of CreateFunction or UpdateFunctionConfiguration sets, checked."""
    for member, what in _REFUSED.items():
        if params.get(member):
            raise errors.invalid(f"Casemate does not support {what} ({member}) yet.")
    found: dict[str, Any] = {}
    for member, name in (("Handler", "handler"), ("Description", "description"), ("KMSKeyArn", "kms_key")):
        if member in params:
            found[name] = params[member]
    if "Role" in params:
        found["role"] = _role(params["Role"])
    if "Runtime" in params:
        found["runtime"] = _runtime(params["Runtime"])
    found |= _sizes(params)
    if "Environment" in params:
        found["variables"] = _variables(params["Environment"].get("Variables", {}))
    if "TracingConfig" in params:
        found["tracing"] = params["TracingConfig"].get("Mode", "PassThrough")
    if "DeadLetterConfig" in params:
        found["dead_letter"] = params["DeadLetterConfig"].get("TargetArn") or None
    if "LoggingConfig" in params:
        found["logging"] = _logging(params["LoggingConfig"])
    if len(found.get("handler", "")) > 128 or re.search(r"\s", found.get("handler", "")):
        raise errors.constraint(found["handler"], "handler", r"satisfy regular expression pattern: [^\s]+")
    return found


def _sizes(params: Params) -> dict[str, int]:
    found: dict[str, int] = {}
    if "Timeout" in params:
        found["timeout"] = _between(params["Timeout"], "timeout", 1, 900)
    if "MemorySize" in params:
        found["memory"] = _between(params["MemorySize"], "memorySize", 128, 10_240)
    if "EphemeralStorage" in params:
        found["ephemeral"] = _between(
            params["EphemeralStorage"]["Size"], "ephemeralStorage.size", 512, 10_240
        )
    return found


def _role(role: str) -> str:
    if not _ROLE.fullmatch(role):
        raise errors.constraint(role, "role", f"satisfy regular expression pattern: {_ROLE.pattern}")
    return role


def _runtime(runtime: str) -> str:
    if runtime in PYTHON_RUNTIMES:
        return runtime
    if re.fullmatch(r"(nodejs|java|dotnet|dotnetcore|ruby|go|provided|python)[\w.]*", runtime):
        raise errors.invalid(f"Casemate does not run {runtime} yet. Runtimes: {', '.join(PYTHON_RUNTIMES)}.")
    raise errors.invalid(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        f"[{', '.join(PYTHON_RUNTIMES)}] or be a valid ARN"
    )


def _between(value: int, member: str, least: int, most: int) -> int:
    if value < least:
        raise errors.constraint(value, member, f"have value greater than or equal to {least}")
    if value > most:
        raise errors.constraint(value, member, f"have value less than or equal to {most}")
    return value


def _variables(variables: Mapping[str, str]) -> dict[str, str]:
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise errors.invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise errors.constraint(
                "environment variables", "environment.variables",
                f"satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression "
                f"pattern: {_VARIABLE.pattern}]",
            )  # fmt: skip
    measured = json.dumps(dict(variables), separators=(",", ":"))
    if len(measured.encode()) > _ENVIRONMENT_BYTES:
        raise errors.invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured}"
        )
    return dict(variables)


def _logging(config: Mapping[str, str]) -> dict[str, str]:
    if config.get("LogFormat", "Text") != "Text":
        # The runtime would log in JSON and the platform's own lines would have to be JSON too.
        raise errors.invalid("Casemate supports LogFormat Text only.")
    return {name: value for name, value in config.items() if name in ("LogFormat", "LogGroup") and value}


def describe(function: Function) -> dict[str, Any]:
    """`FunctionConfiguration`."""
    network = function.network
    described: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": function.version_arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code_size,
        "Description": function.description,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "LastModified": function.modified,
        "CodeSha256": function.code_sha256,
        "Version": function.version,
        "TracingConfig": {"Mode": function.tracing},
        "RevisionId": function.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": function.ephemeral},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.log_group},
        "RuntimeVersionConfig": {
            "RuntimeVersionArn": f"arn:aws:lambda:{function.region}::runtime:{'0' * 64}"
        },
    }
    if function.variables:
        described["Environment"] = {"Variables": function.variables}
    if network is not None:
        described["VpcConfig"] = {
            "SubnetIds": list(network.subnet_ids),
            "SecurityGroupIds": list(network.group_ids),
            "VpcId": network.vpc_id,
            "Ipv6AllowedForDualStack": network.ipv6,
        }
    if function.kms_key:
        described["KMSKeyArn"] = function.kms_key
    if function.dead_letter:
        described["DeadLetterConfig"] = {"TargetArn": function.dead_letter}
    return described


def describe_qualified(function: Function, *, qualified: bool) -> dict[str, Any]:
    """As `describe`; `$LATEST` gets its qualified ARN where the API shows versions."""
    described = describe(function)
    if qualified and function.version == LATEST:
        described["FunctionArn"] = f"{function.arn}:{LATEST}"
    return described
