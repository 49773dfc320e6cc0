"""The rest of Lambda's API, end to end: layers, weights, URLs, provisioned concurrency, asynchronous events, streams."""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.support.instance import REGION, WORKLOAD, Instance
from tests.support.private_table import BASIC, PrivateTable, unique, zipped

pytestmark = pytest.mark.kernel
_EVERYBODY = {"StatementId": "public", "Principal": "*"}


def create(world: PrivateTable, source: str, *, role: str | None = None, **params: Any) -> str:
    name = unique("function")
    world.lambda_.create_function(
        FunctionName=name,
        Runtime=params.pop("Runtime", "python3.12"),
        Role=role or world.role(managed=BASIC),
        Handler=params.pop("Handler", "m.handler"),
        Code={"ZipFile": zipped({"m.py": source})},
        Timeout=10,
        **params,
    )
    world.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def invoke(world: PrivateTable, name: str, **params: Any) -> Any:
    response = world.lambda_.invoke(FunctionName=name, **params)
    payload = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, payload
    return payload


def soon(condition: Callable[[], Any], *, seconds: float = 10) -> Any:
    """The first truthy answer."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def layer(world: PrivateTable, name: str, files: dict[str, str]) -> str:
    return world.lambda_.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)})[
        "LayerVersionArn"
    ]


def test_layers_are_merged_at_opt_in_their_order_and_python_finds_them(world: PrivateTable) -> None:
    first = layer(
        world, unique("layer"), {"python/greet.py": "word = 'first'", "bin/one": "1", "same": "first"}
    )
    second = layer(world, unique("layer"), {"python/other.py": "word = 'second'", "same": "second"})
    source = (
        "import os, greet, other\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        open('/opt/x', 'w')\n"
        "    except OSError as error:\n"
        "        refused = error.errno\n"
        "    return [greet.word, other.word, open('/opt/same').read(), sorted(os.listdir('/opt')), refused]\n"
    )
    name = create(world, source, Layers=[first, second])
    assert invoke(world, name) == ["first", "second", "second", ["bin", "python", "same"], 30]
    configured = world.lambda_.update_function_configuration(FunctionName=name, Layers=[second, first])
    assert [one["Arn"] for one in configured["Layers"]] == [second, first]
    assert invoke(world, name)[2] == "first"


def test_a_layer_of_another_account_needs_its_permission(world: PrivateTable, instance: Instance) -> None:
    from tests.support.instance import MANAGEMENT

    owner = instance.client("lambda", account=MANAGEMENT)
    arn = owner.publish_layer_version(
        LayerName="shared", Content={"ZipFile": zipped({"python/shared.py": "word = 'shared'"})}
    )["LayerVersionArn"]
    source = "import shared\ndef handler(event, context):\n    return shared.word\n"
    with pytest.raises(ClientError) as refused:
        create(world, source, Layers=[arn])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "because no resource-based policy allows the lambda:GetLayerVersion action" in str(refused.value)
    owner.add_layer_version_permission(
        LayerName="shared",
        VersionNumber=1,
        StatementId="workload",
        Action="lambda:GetLayerVersion",
        Principal=WORKLOAD,
    )
    assert invoke(world, create(world, source, Layers=[arn])) == "shared"
    assert world.lambda_.get_layer_version_by_arn(Arn=arn)["Version"] == 1


def test_an_alias_with_weights_sends_its_share_to_the_other_version(world: PrivateTable) -> None:
    name = create(world, "def handler(event, context):\n    return context.function_version\n", Publish=True)
    world.lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    world.lambda_.publish_version(FunctionName=name)
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    world.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=routing)
    seen = {invoke(world, name, Qualifier="live") for _ in range(40)}
    assert seen == {"1", "2"}
    world.lambda_.update_alias(
        FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}}
    )
    assert {invoke(world, name, Qualifier="live") for _ in range(5)} == {"2"}


def test_provisioned_environments_are_initialized_before_anybody_calls(world: PrivateTable) -> None:
    source = (
        "import os, time\n"
        "BORN = time.time()\n"
        "def handler(event, context):\n"
        "    return [BORN, os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']]\n"
    )
    name = create(world, source, Publish=True)
    asked = world.lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    assert (asked["Status"], asked["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)

    def ready() -> Any:
        shown = world.lambda_.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
        return shown if shown["Status"] != "IN_PROGRESS" else None

    shown = soon(ready)
    assert (shown["Status"], shown["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 2)
    before = time.time()
    born, kind = invoke(world, name, Qualifier="1")
    assert born < before
    assert kind == "provisioned-concurrency"
    assert invoke(world, name)[1] == "on-demand"


def test_provisioning_a_version_that_cannot_initialize_fails(world: PrivateTable) -> None:
    name = create(world, "raise RuntimeError('no')\n", Publish=True)
    arguments = {"FunctionName": name, "Qualifier": "1"}
    world.lambda_.put_provisioned_concurrency_config(**arguments, ProvisionedConcurrentExecutions=1)
    shown = soon(
        lambda: (
            (found := world.lambda_.get_provisioned_concurrency_config(**arguments))["Status"] == "FAILED"
            and found
        )
    )
    assert shown["StatusReason"].startswith("FUNCTION_ERROR_INIT_FAILURE")


ECHO = (
    "def handler(event, context):\n"
    "    return {'statusCode': 201, 'headers': {'X-Mine': 'yes', 'Content-Type': 'text/plain'},\n"
    "            'cookies': ['a=1', 'b=2'], 'body': event['rawPath'] + '?' + event['rawQueryString'] + ' '\n"
    "            + event.get('body', '') + ' ' + event['requestContext']['accountId']}\n"
)


def call(
    world: PrivateTable, url: str, *, method: str = "GET", body: bytes = b"", keys: dict[str, str] | None = None,
    path: str = "/", **headers: str,
) -> tuple[int, http.client.HTTPMessage, bytes]:  # fmt: skip
    """A request on a function URL by the front door: its Host header says which."""
    host = urlsplit(url).hostname or ""
    request = AWSRequest(method, f"https://{host}{path}", data=body, headers={**headers, "Host": host})
    if keys is not None:
        signer = Credentials(keys["access_key_id"], keys["secret_access_key"])
        SigV4Auth(signer, "lambda", REGION).add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(world.instance.endpoint).netloc, timeout=20)
    try:
        connection.request(method, path, body=body, headers=dict(request.headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def open_to_all(world: PrivateTable, name: str) -> None:
    world.lambda_.add_permission(
        FunctionName=name, Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **_EVERYBODY
    )
    world.lambda_.add_permission(
        FunctionName=name, Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True,
        **(_EVERYBODY | {"StatementId": "public-invoke"}),
    )  # fmt: skip


def test_a_url_without_authentication_needs_both_permissions_for_everybody(world: PrivateTable) -> None:
    name = create(world, ECHO)
    url = world.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    status, headers, body = call(world, url)
    assert status == 403
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body)["Message"].startswith(
        "Forbidden. For troubleshooting Function URL authorization issues"
    )
    world.lambda_.add_permission(
        FunctionName=name, Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **_EVERYBODY
    )
    assert call(world, url)[0] == 403, "lambda:InvokeFunction is needed as well"
    world.lambda_.remove_permission(FunctionName=name, StatementId="public")
    open_to_all(world, name)
    status, headers, body = call(
        world, url, method="POST", path="/a%20b?x=1&x=2", body=b"hello", **{"Content-Type": "text/plain"}
    )
    assert (status, body) == (201, b"/a b?x=1&x=2 hello anonymous")
    assert headers["X-Mine"] == "yes"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_a_url_with_iam_asks_who_it_is(world: PrivateTable) -> None:
    name = create(world, ECHO)
    url = world.lambda_.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    assert call(world, url)[0] == 403
    status, _, body = call(world, url, keys=world.instance.keys())
    assert status == 201
    assert body.endswith(WORKLOAD.encode())
    wrong = {**world.instance.keys(), "secret_access_key": "wrong"}
    assert call(world, url, keys=wrong)[0] == 403
    user = unique("user")
    world.iam.create_user(UserName=user)
    made = world.iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}
    status, headers, _ = call(world, url, keys=keys)
    assert status == 403
    explained = world.instance.ask(command="event", request_id=headers["x-amzn-RequestId"])["json"]
    assert "lambda:InvokeFunctionUrl" in json.dumps(explained)


def test_errors_behind_a_url_are_502_and_throttling_is_429(world: PrivateTable) -> None:
    name = create(world, "def handler(event, context):\n    raise ValueError('no')\n")
    url = world.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    open_to_all(world, name)
    assert call(world, url)[0] == 502
    world.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    status, _, body = call(world, url)
    assert status == 429
    assert json.loads(body)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    world.lambda_.delete_function_url_config(FunctionName=name)
    assert call(world, url)[0] == 403


def test_a_function_reaches_another_ones_url_by_its_name(world: PrivateTable) -> None:
    name = create(world, ECHO)
    url = world.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    open_to_all(world, name)
    caller = create(
        world,
        "import urllib.request\n"
        "def handler(event, context):\n"
        "    return urllib.request.urlopen(event, timeout=5).read().decode()\n",
    )
    assert invoke(world, caller, Payload=json.dumps(url + "inside")) == "/inside?  anonymous"


STREAM = """
import http.client, json, os, time

# A runtime of its own: Python's runtime interface client does not stream.
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    response = api.getresponse()
    event, number = json.loads(response.read()), response.headers["Lambda-Runtime-Aws-Request-Id"]

    def pieces():
        if isinstance(event, dict) and "version" in event:
            head = {"statusCode": 202, "headers": {"Content-Type": "text/plain", "X-Mine": "yes"}}
            yield json.dumps(head).encode() + bytes(8)
        yield b"one "
        time.sleep(0.7)
        yield b"two"

    headers = {
        "Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked",
        "Content-Type": "application/vnd.awslambda.http-integration-response" if "version" in event else "text/plain",
    }
    api.request("POST", f"/2018-06-01/runtime/invocation/{number}/response", body=pieces(), headers=headers,
                encode_chunked=True)
    api.getresponse().read()
"""


def test_a_streamed_response_arrives_while_it_is_written(world: PrivateTable) -> None:
    name = create(world, STREAM)
    stream = world.lambda_.invoke_with_response_stream(FunctionName=name, Payload=b"{}")
    arrived = [
        (time.monotonic(), event["PayloadChunk"]["Payload"])
        for event in stream["EventStream"]
        if "PayloadChunk" in event
    ]
    assert b"".join(piece for _, piece in arrived) == b"one two"
    assert arrived[-1][0] - arrived[0][0] > 0.4, "the first piece did not wait for the second"


def test_a_url_streams_what_the_function_writes(world: PrivateTable) -> None:
    name = create(world, STREAM)
    made = world.lambda_.create_function_url_config(
        FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM"
    )
    open_to_all(world, name)
    connection = http.client.HTTPConnection(urlsplit(world.instance.endpoint).netloc, timeout=20)
    connection.request("GET", "/", headers={"Host": urlsplit(made["FunctionUrl"]).hostname or ""})
    response = connection.getresponse()
    assert (response.status, response.headers["X-Mine"]) == (202, "yes")
    assert response.headers["Transfer-Encoding"] == "chunked"
    first, began = response.read(4), time.monotonic()
    rest, ended = response.read(), time.monotonic()
    connection.close()
    assert (first, rest) == (b"one ", b"two")
    assert ended - began > 0.4


def test_an_event_stream_carries_the_payload_and_the_end(world: PrivateTable) -> None:
    name = create(world, "def handler(event, context):\n    return 1 // event\n")
    stream = world.lambda_.invoke_with_response_stream(FunctionName=name, Payload=b"1", LogType="Tail")
    events = list(stream["EventStream"])
    assert events[0] == {"PayloadChunk": {"Payload": b"1"}}
    assert b"REPORT" in b64decode(events[-1]["InvokeComplete"]["LogResult"])
    failed = world.lambda_.invoke_with_response_stream(FunctionName=name, Payload=b"0")
    (last,) = failed["EventStream"]
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert "ZeroDivisionError" in last["InvokeComplete"]["ErrorDetails"]


def test_asynchronous_events_reach_their_destination(world: PrivateTable) -> None:
    table = world.table()
    keeper = create(
        world,
        "import boto3, json, os\n"
        "def handler(event, context):\n"
        "    item = {'id': {'S': event['requestContext']['requestId']}, 'record': {'S': json.dumps(event)}}\n"
        "    boto3.client('dynamodb').put_item(TableName=os.environ['TABLE'], Item=item)\n",
        Environment={"Variables": {"TABLE": table}},
        role=world.role({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}, managed=BASIC),
    )
    keeper_arn = world.lambda_.get_function(FunctionName=keeper)["Configuration"]["FunctionArn"]
    source = "def handler(event, context):\n    return {'seen': event['n']}\n"
    refused = create(world, source)
    destinations = {"OnSuccess": {"Destination": keeper_arn}, "OnFailure": {"Destination": keeper_arn}}
    with pytest.raises(ClientError) as error:
        world.lambda_.put_function_event_invoke_config(
            FunctionName=refused,
            DestinationConfig=destinations,
        )
    assert "does not have permissions to call InvokeFunction" in str(error.value)
    may = world.role({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}, managed=BASIC)
    name = create(world, source, role=may)
    world.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig=destinations
    )

    def record_of(payload: Any) -> dict[str, Any]:
        response = world.lambda_.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(payload)
        )
        assert response["StatusCode"] == 202
        key = {"id": {"S": response["ResponseMetadata"]["RequestId"]}}
        found = soon(
            lambda: world.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        )
        return json.loads(found["record"]["S"])

    record = record_of({"n": 7})
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"seen": 7}
    assert record["requestPayload"] == {"n": 7}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    failed = record_of({})
    assert failed["requestContext"]["condition"] == "RetriesExhausted"
    assert failed["requestContext"]["approximateInvokeCount"] == 1
    assert failed["responseContext"]["functionError"] == "Unhandled"
    assert failed["responsePayload"]["errorType"] == "KeyError"
