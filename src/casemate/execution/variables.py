"""The environment variables of a runtime. Source: Lambda Developer Guide, "Defined runtime environment variables"."""

from __future__ import annotations

from casemate.execution.function import FunctionVersion, RoleCredentials

RUNTIME_API = "127.0.0.1:9001"
_LIBRARY_PATH = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)

RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
})  # fmt: skip
"""Names a function's configuration may not set."""

_NOT_IN_SNAPSHOTS = (
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)  # fmt: skip

_RUNTIME_ONLY = frozenset({
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
})  # fmt: skip
"""Not shown to external extensions: "Using the Lambda Extensions API to create extensions", environment variables."""


def environment_variables(
    function: FunctionVersion,
    credentials: RoleCredentials,
    *,
    log_stream: str,
    ca_bundle: str | None,
    initialization: str = "on-demand",
    credentials_token: str = "",
    metadata_token: str = "",
) -> dict[str, str]:
    """What the function's process sees, and nothing else. Never an endpoint URL: it would hide the routing.

    With a `credentials_token` what ends with an environment is left out, for a snapshot would keep it: the name of its log
    stream ("Monitoring for Lambda SnapStart") and its credentials, which are asked for then ("Using SnapStart with AWS
    SDKs"; the path is that of AWS's runtime interface emulator).
    """
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_LAMBDA_RUNTIME_API": RUNTIME_API,
        "AWS_LAMBDA_METADATA_API": RUNTIME_API,
        "AWS_LAMBDA_METADATA_TOKEN": metadata_token,
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if credentials_token:
        for name in _NOT_IN_SNAPSHOTS:
            del reserved[name]
        reserved["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{RUNTIME_API}/2021-04-23/credentials"
        reserved["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = credentials_token
    if function.structured:
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        reserved["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
    unreserved = {
        "LANG": "en_US.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": _LIBRARY_PATH,
        "TZ": ":UTC",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }
    if ca_bundle is not None:
        names = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        unreserved |= dict.fromkeys(names, ca_bundle)
    return unreserved | _of_language(function.runtime) | dict(function.variables) | reserved


def extension_variables(variables: dict[str, str]) -> dict[str, str]:
    """What an external extension sees of them."""
    return {name: value for name, value in variables.items() if name not in _RUNTIME_ONLY}


def _of_language(runtime: str) -> dict[str, str]:
    """What a managed runtime adds; "AWS_EXECUTION_ENV [...] is not defined for OS-only runtimes"."""
    if runtime.startswith("provided"):
        path = _LIBRARY_PATH.removeprefix("/var/lang/lib:")
        return {"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "LD_LIBRARY_PATH": path}
    added = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"}
    if runtime.startswith("nodejs"):
        major = runtime.removeprefix("nodejs").removesuffix(".x")
        added["NODE_PATH"] = (
            f"/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:"
            "/var/runtime:/var/task"
        )
    else:
        added["PYTHONPATH"] = "/var/runtime"
    return added
