"""`provided.*`: a program named bootstrap, and nothing else. Source: "Building a custom runtime for AWS Lambda"."""

from __future__ import annotations

import json

import pytest

from .conftest import ID, Machine

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

# A machine without Python or curl would do: bash speaks HTTP over /dev/tcp.
BOOTSTRAP = r"""#!/bin/bash
call() {
  exec 3<>/dev/tcp/127.0.0.1/9001
  printf '%s' "$1" >&3
  id=; length=0
  while IFS= read -r line <&3; do
    line=${line%$'\r'}; [ -z "$line" ] && break
    case "$line" in
      Lambda-Runtime-Aws-Request-Id:*) id=${line#*: } ;;
      Content-Length:*) length=${line#*: } ;;
    esac
  done
  body=; [ "$length" -gt 0 ] && IFS= read -r -N "$length" body <&3
  exec 3>&-
}
post() {
  local crlf=$'\r\n'
  call "POST /2018-06-01/runtime/invocation/$id/response HTTP/1.1${crlf}Content-Length: ${#1}$crlf$crlf$1"
}
echo "handler is $_HANDLER"
while :; do
  call $'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n'
  post "[$body, \"$LAMBDA_TASK_ROOT\", \"${AWS_EXECUTION_ENV-none}\", \"$PATH\", \"$(cat /opt/note 2>/dev/null)\"]"
done
"""
PATH = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"


async def test_a_bootstrap_in_the_package_serves_invocations(machine: Machine) -> None:
    function = machine.function({"bootstrap": BOOTSTRAP}, runtime="provided.al2023", handler="any.thing")
    for event in (1, {"a": 2}):
        outcome = await machine.invoke(function, event)
        assert json.loads(outcome.payload) == [event, "/var/task", "none", PATH, ""]
    assert machine.supervisor.environments(function.arn) == 1


async def test_a_bootstrap_in_a_layer_and_the_later_layer_wins(machine: Machine) -> None:
    layers = (
        machine.unpacked({"bootstrap": BOOTSTRAP, "note": "first"}),
        machine.unpacked({"note": "second"}),
    )
    function = machine.function({"data": "x"}, runtime="provided.al2", layers=layers)
    assert json.loads((await machine.invoke(function, 1)).payload)[-1] == "second"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"data": "x"}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "no"}, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": "#!/nowhere/sh\n"}, "fork/exec /var/task/bootstrap: no such file or directory"),
        ({"bootstrap": "#!\n"}, "fork/exec /var/task/bootstrap: exec format error"),
    ],
)
async def test_a_bootstrap_that_cannot_run(machine: Machine, files: dict[str, str], message: str) -> None:
    outcome = await machine.invoke(machine.function(files, runtime="provided.al2023"))
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: {ID} Error: {message}",
    }


async def test_nothing_of_another_runtime_is_there(machine: Machine) -> None:
    look = "#!/bin/bash\necho there: /var/lang/* /var/runtime/* /opt/*\nenv | grep -o ^PYTHON\nenv | grep -o ^NODE_PATH\nenv | grep -o ^_X_AMZN_TRACE_ID"
    outcome = await machine.invoke(machine.function({"bootstrap": look}, runtime="provided.al2023"))
    assert json.loads(outcome.payload)["errorType"] == "Runtime.ExitError"
    assert any("there: /var/lang/* /var/runtime/* /opt/*\n" in event for event in machine.host.events)
    assert not any(
        event in ("PYTHON\n", "NODE_PATH\n", "_X_AMZN_TRACE_ID\n") for event in machine.host.events
    )


STREAMING = r"""
import http.client, os, time
api, other = (http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"]) for _ in range(2))
def chunk(data):
    api.send(b"%x\r\n%s\r\n" % (len(data), data))
while True:
    other.request("GET", "/2018-06-01/runtime/invocation/next")
    event = other.getresponse()
    event.read()
    path = "/2018-06-01/runtime/invocation/" + event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.putrequest("POST", path + "/response")
    for name, value in (("Lambda-Runtime-Function-Response-Mode", "streaming"), ("Transfer-Encoding", "chunked"),
                        ("Content-Type", "text/csv"), ("Trailer", "Lambda-Runtime-Function-Error-Type")):
        api.putheader(name, value)
    api.endheaders()
    chunk(b"begun ")
    time.sleep(0.05)  # it is another connection
    other.request("POST", path + "/error", b"{}")
    refused = other.getresponse()
    refused.read()
    chunk(str(refused.status).encode())
    api.send(b"0\r\n\r\n")
    api.getresponse().read()
"""


async def test_an_error_after_the_response_has_begun_is_refused(machine: Machine) -> None:
    """ "This endpoint can only be called before the runtime begins sending an invocation response"."""
    pieces, outcome, content_type = await machine.stream(machine.function(STREAMING))
    assert (b"".join(pieces), outcome.failed, content_type) == (b"begun 403", False, "text/csv"), outcome


async def test_a_wrapper_script_starts_the_runtime(machine: Machine) -> None:
    """Source: "Modifying the runtime environment", wrapper scripts."""
    layer = machine.unpacked({"wrap": '#!/bin/bash\nexport WRAPPED=yes\nexec "$@"\n'})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}
    python = machine.function(
        "import os, boto3\ndef handler(e, c): return os.environ['WRAPPED']",
        layers=(layer,),
        variables=variables,
    )
    node = machine.function(
        {"app.mjs": "export const handler = async () => process.env.WRAPPED"},
        runtime="nodejs22.x", layers=(layer,), variables=variables,
    )  # fmt: skip
    assert (await machine.invoke(python)).payload == b'"yes"'
    assert (await machine.invoke(node)).payload == b'"yes"'
    gone = machine.function("x", variables={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"})
    assert "fork/exec /opt/none: no such file or directory" in (await machine.invoke(gone)).payload.decode()
