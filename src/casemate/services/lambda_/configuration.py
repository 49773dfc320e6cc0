"""A function's configuration: from an API input to checked values, and back to an API output. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from casemate.execution.variables import RESERVED
from casemate.servicekit.service import Params
from casemate.services.lambda_ import errors, snap_start
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.state import Function

RUNTIMES = (
    *(f"python3.{minor}" for minor in range(8, 16)),
    *(f"nodejs{major}.x" for major in (18, 20, 22, 24)),
    "provided.al2",
    "provided.al2023",
)
_ENDED = re.compile(
    r"python(2\.7|3\.[67])|nodejs(4\.3(-edge)?|6\.10|8\.10|1[0246]\.x)?|provided|go1\.x|java8|ruby2\.[57]"
    r"|dotnetcore[123]\.[01]|dotnet(5\.0|[67])"
)
"""Lambda Developer Guide, "Lambda runtimes", deprecated runtimes: those that no function can be made or changed with."""
_ROLE = re.compile(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_KEY = re.compile(r"arn:aws[a-zA-Z-]*:kms:[a-z0-9-]+:\d{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)")
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_ENVIRONMENT_BYTES = 4096
_REFUSED = {
    "FileSystemConfigs": "file systems",
    "ImageConfig": "container images",
    "CapacityProviderConfig": "capacity providers",
    "DurableConfig": "durable functions",
    "TenancyConfig": "tenant isolation",
    "RuntimeConfig": "runtime configuration",
    "AcceleratorConfig": "accelerators",
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
    _check_dead_letter(params.get("DeadLetterConfig") or {})
    if "SnapStart" in params:
        found["snap_start"] = snap_start.applies(params["SnapStart"])
    _check_key(params.get("KMSKeyArn") or "")
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
    if runtime in RUNTIMES:
        return runtime
    if _ENDED.fullmatch(runtime):
        # Observed, the second sentence in more than one form: diodonfrost/terraform-aws-lambda-scheduler-stop-start#59.
        raise errors.invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We "
            "recommend you use a supported runtime while creating or updating functions."
        )
    if re.fullmatch(r"(nodejs|java|dotnet|dotnetcore|ruby|go|provided|python)[\w.]*", runtime):
        raise errors.invalid(f"Casemate does not run {runtime}. Runtimes: {', '.join(RUNTIMES)}.")
    raise errors.invalid(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        f"[{', '.join(RUNTIMES)}] or be a valid ARN"
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
        # Observed: mattermost/mattermost-cloud-monitoring#264 on GitHub.
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
    log_format = config.get("LogFormat", "Text")
    levels = [name for name in ("ApplicationLogLevel", "SystemLogLevel") if config.get(name)]
    if log_format == "Text" and levels:
        # Lambda Developer Guide, "Log-level filtering": needs the JSON format.
        raise errors.invalid(
            "To use ApplicationLogLevel or SystemLogLevel, you must set LogFormat to JSON. "
            "See https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"
        )
    found = {"LogFormat": log_format}
    if config.get("LogGroup"):
        found["LogGroup"] = config["LogGroup"]
    if log_format == "JSON":
        found |= {name: config.get(name) or "INFO" for name in ("ApplicationLogLevel", "SystemLogLevel")}
    return found


def _check_dead_letter(config: Mapping[str, str]) -> None:
    target = config.get("TargetArn")
    if not target:
        return
    # "The ARN of an Amazon SQS queue or Amazon SNS topic": API reference, DeadLetterConfig.
    if target.split(":")[2:3] not in (["sqs"], ["sns"]):
        raise errors.invalid(f"The provided target ARN {target} is not an SQS queue or an SNS topic.")
    raise errors.invalid(
        f"Casemate has neither SQS nor SNS, so {target} cannot be a dead-letter queue. An on-failure destination "
        "(PutFunctionEventInvokeConfig) may be a Lambda function."
    )


def _check_key(arn: str) -> None:
    if arn and not _KEY.fullmatch(arn):
        raise errors.invalid(f"KMSKeyArn must be the ARN of a KMS key: {arn}")


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
        **snap_start.state(function),
        **(_INACTIVE if function.idle else {}),
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": function.ephemeral},
        "SnapStart": snap_start.describe(function),
        "LoggingConfig": {"LogFormat": "Text", **function.logging, "LogGroup": function.log_group},
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version(function)},
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
    elif function.network_given:
        described["VpcConfig"] = _DISCONNECTED
    if function.kms_key:
        described["KMSKeyArn"] = function.kms_key
    if function.layers:
        described["Layers"] = [{"Arn": one.arn, "CodeSize": one.code_size} for one in function.layers]
    return described


# A function that has left its VPC, or was made with empty lists: hashicorp/terraform-provider-aws tells this answer apart
# from a VPC (flattenVPCConfigResponse: no subnets, no groups, a VpcId that is absent or empty).
_DISCONNECTED: dict[str, Any] = {
    "SubnetIds": [],
    "SecurityGroupIds": [],
    "VpcId": "",
    "Ipv6AllowedForDualStack": False,
}
_INACTIVE = {
    "State": "Inactive",
    "StateReason": "The function was not invoked for 14 days; an invocation makes it active again.",
    "StateReasonCode": "Idle",
}


def runtime_version(function: Function) -> str:
    """The version of the runtime: a digest on AWS too; here of the runtime's name, as there is one version of each."""
    pinned = function.runtime_management.runtime_version_arn
    return (
        pinned or f"arn:aws:lambda:{function.region}::runtime:{sha256(function.runtime.encode()).hexdigest()}"
    )


def describe_qualified(function: Function, *, qualified: bool) -> dict[str, Any]:
    """As `describe`; `$LATEST` gets its qualified ARN where the API shows versions."""
    described = describe(function)
    if qualified and function.version == LATEST:
        described["FunctionArn"] = f"{function.arn}:{LATEST}"
    return described
