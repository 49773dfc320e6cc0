"""`--tables remote=URL`: items at another endpoint, this Casemate's network and policies in front of it.

Another Casemate stands in for the remote; its own suites show that it answers as DynamoDB does. dynalite is a second
remote, one that lacks transactions (`make setup` installs it with the JavaScript clients).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import ROOT, Instance

from casemate.model.errors import AwsError
from casemate.tables.remote.endpoint import RemoteCredentials, RemoteEndpoint
from casemate.tables.remote.options import RemoteTables, RemoteTablesError

NODE = Path(sys.executable).parent / "node"
DYNALITE = ROOT / "tests/clients/javascript/node_modules/dynalite/cli.js"
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "id", "AttributeType": "S"}]


def credentials_file(directory: Path, key: str, secret: str) -> Path:
    path = directory / "remote.json"
    content = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-2"}
    path.write_text(json.dumps(content))
    return path


def front(directory: Path, url: str, key: str, secret: str) -> Instance:
    file = credentials_file(directory, key, secret)
    options = ("--tables", f"remote={url}", "--tables-credentials", str(file))
    return Instance(directory / "front", "--dataplane", "off", *options)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, Instance]]:
    directory = tmp_path_factory.mktemp("remote")
    behind = Instance(directory / "behind", "--dataplane", "off").start()
    keys = behind.keys()
    before = front(directory, behind.endpoint, keys["access_key_id"], keys["secret_access_key"]).start()
    yield before, behind
    before.stop()
    behind.stop()


def make_table(client: Any, name: str) -> None:
    client.create_table(
        TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST"
    )


def test_items_live_at_the_remote(pair: tuple[Instance, Instance]) -> None:
    here, there = (one.client("dynamodb") for one in pair)
    make_table(here, "orders")
    item = {"id": {"S": "1"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}, "s": {"SS": ["b", "a"]}}
    here.put_item(TableName="orders", Item=item)
    assert there.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]["b"]["B"] == b"\x00\xff"
    got = here.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]
    assert got == there.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]
    changed = here.update_item(
        TableName="orders",
        Key={"id": {"S": "1"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"]["n"]["N"] == "2.5"
    here.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": {"id": {"S": "2"}}}}]})
    here.transact_write_items(TransactItems=[{"Put": {"TableName": "orders", "Item": {"id": {"S": "3"}}}}])
    assert there.scan(TableName="orders")["Count"] == 3
    queried = here.query(
        TableName="arn:aws:dynamodb:us-east-2:000000000000:table/orders",
        KeyConditionExpression="id = :id",
        ExpressionAttributeValues={":id": {"S": "1"}},
    )
    assert queried["Count"] == 1
    assert here.describe_table(TableName="orders")["Table"]["ItemCount"] == 3
    here.delete_table(TableName="orders")
    assert there.list_tables()["TableNames"] == []


def test_tables_are_called_what_the_request_calls_them(pair: tuple[Instance, Instance]) -> None:
    here = pair[0].client("dynamodb")
    make_table(here, "called")
    arn = "arn:aws:dynamodb:us-east-2:000000000000:table/called"
    told = {"ReturnConsumedCapacity": "TOTAL"}
    item = {"id": {"S": "1"}}
    written = here.batch_write_item(RequestItems={arn: [{"PutRequest": {"Item": item}}]}, **told)
    got = here.batch_get_item(RequestItems={arn: {"Keys": [item]}}, **told)
    assert got["Responses"] == {arn: [item]}
    read = here.transact_get_items(TransactItems=[{"Get": {"TableName": arn, "Key": item}}], **told)
    assert read["Responses"] == [{"Item": item}]
    answers = [written, got, read]
    assert [one["ConsumedCapacity"][0]["TableName"] for one in answers] == [arn] * 3
    one = here.get_item(TableName=arn, Key=item, **told)["ConsumedCapacity"]
    assert one["TableName"] == arn
    with pytest.raises(ClientError, match="one table under its name and under its ARN"):
        here.batch_get_item(RequestItems={arn: {"Keys": [item]}, "called": {"Keys": [{"id": {"S": "2"}}]}})


def test_the_remotes_errors_come_through_with_their_members(pair: tuple[Instance, Instance]) -> None:
    client = pair[0].client("dynamodb")
    make_table(client, "guarded")
    client.put_item(TableName="guarded", Item={"id": {"S": "1"}})
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        client.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": "guarded",
                        "Item": {"id": {"S": "1"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                }
            ]
        )
    assert cancelled.value.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_item(TableName="absent", Key={"id": {"S": "1"}})
    with pytest.raises(ClientError, match="Casemate does not implement SSESpecification on remote tables"):
        client.create_table(
            TableName="encrypted",
            KeySchema=KEYS,
            AttributeDefinitions=ATTRIBUTES,
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True},
        )


def test_policies_here_decide_before_anything_is_forwarded(pair: tuple[Instance, Instance]) -> None:
    here, there = pair
    make_table(here.client("dynamodb"), "secret")
    there.client("dynamodb").put_item(TableName="secret", Item={"id": {"S": "mine"}})
    there.client("dynamodb").put_item(TableName="secret", Item={"id": {"S": "yours"}})
    iam = here.client("iam")
    iam.create_user(UserName="reader")
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = here.client("dynamodb", credentials=key)
    assert reader.get_item(TableName="secret", Key={"id": {"S": "mine"}})["Item"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        reader.get_item(TableName="secret", Key={"id": {"S": "yours"}})


def test_a_name_has_one_table_at_the_remote(pair: tuple[Instance, Instance]) -> None:
    make_table(pair[0].client("dynamodb"), "only")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        make_table(pair[0].client("dynamodb", region="eu-west-1"), "only")


def test_what_is_not_forwarded_is_refused(pair: tuple[Instance, Instance]) -> None:
    client = pair[0].client("dynamodb")
    make_table(client, "plain")
    with pytest.raises(ClientError, match="the tables are remote"):
        client.update_time_to_live(
            TableName="plain", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
        )


def test_a_remote_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    file = credentials_file(tmp_path, "key", "secret")
    argv = [sys.executable, "-m", "casemate.cli.main", "up", "--port", "0", "--data", str(tmp_path / "front")]
    argv += ["--dataplane", "off", "--tables", "remote=http://127.0.0.1:9", "--tables-credentials", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.returncode == 1
    assert "the remote tables at http://127.0.0.1:9 cannot be used" in ended.stderr


async def test_a_remote_that_stops_answering_is_an_error_of_the_service() -> None:
    credentials = RemoteCredentials(access_key_id="key", secret_access_key="secret")
    endpoint = RemoteEndpoint("http://127.0.0.1:9", credentials)
    with pytest.raises(AwsError) as caught:
        await endpoint.call("PutItem", {"TableName": "t"})
    assert (caught.value.code, caught.value.http_status) == ("ServiceUnavailable", 503)


async def test_a_write_lost_on_a_kept_connection_is_not_sent_again() -> None:
    """The remote may have carried it out: an ADD that is sent twice counts twice."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b""):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            seen.append(head)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = RemoteEndpoint(
        f"http://127.0.0.1:{port}", RemoteCredentials(access_key_id="k", secret_access_key="s")
    )
    assert await endpoint.call("UpdateItem", {}) == {}
    with pytest.raises(AwsError, match="cannot be reached"):
        await endpoint.call("UpdateItem", {})
    assert len(seen) == 2
    assert await endpoint.call("GetItem", {}) == {}
    assert await endpoint.call("GetItem", {}) == {}, "a read is asked again"
    endpoint.close()
    await asyncio.sleep(0.05)  # for the transports to close
    server.close()
    await server.wait_closed()


async def test_a_throttled_request_is_tried_again_and_a_lost_write_is_not() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if b"PutItem" in head or len(seen) > 1:
            body = b"{}" if len(seen) > 1 else b'{"__type":"x#ThrottlingException","message":"slow"}'
            status = b"200 OK" if len(seen) > 1 else b"400 Bad Request"
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                % (status, len(body), body)
            )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = RemoteEndpoint(
        f"http://127.0.0.1:{port}", RemoteCredentials(access_key_id="k", secret_access_key="s")
    )
    assert await endpoint.call("PutItem", {}) == {}
    assert len(seen) == 2
    seen.clear()
    with pytest.raises(AwsError, match="cannot be reached"):
        await endpoint.call("UpdateItem", {})
    assert len(seen) == 1
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("text", ["http://x", "remote=ftp://x", "remote=", "local"])
def test_options_that_name_no_remote(text: str) -> None:
    environment = {"CASEMATE_TABLES_ACCESS_KEY_ID": "k", "CASEMATE_TABLES_SECRET_ACCESS_KEY": "s"}
    with pytest.raises(RemoteTablesError):
        RemoteTables.read(text, None, environment)


def test_keys_are_needed_and_may_come_from_the_environment() -> None:
    with pytest.raises(RemoteTablesError, match="need keys"):
        RemoteTables.read("remote=http://127.0.0.1:8000", None, {})
    environment = {"CASEMATE_TABLES_ACCESS_KEY_ID": "k", "CASEMATE_TABLES_SECRET_ACCESS_KEY": "s"}
    assert (
        RemoteTables.read("remote=http://127.0.0.1:8000/", None, environment).url == "http://127.0.0.1:8000"
    )


def test_dynalite_behind_casemate_lacks_transactions_and_says_so(tmp_path: Path) -> None:
    port = 20_000 + (time.time_ns() // 1000) % 20_000
    argv = [str(NODE), str(DYNALITE), "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    # `node` is a script that starts the real one: both end together only as a group.
    with subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            before = front(tmp_path, url, "any", "any").start()
            try:
                client = before.client("dynamodb")
                make_table(client, "orders")
                client.put_item(TableName="orders", Item={"id": {"S": "1"}, "b": {"B": b"\x01"}})
                assert (
                    client.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]["b"]["B"] == b"\x01"
                )
                with pytest.raises(ClientError, match=f"The tables at {url} do not have TransactWriteItems"):
                    client.transact_write_items(
                        TransactItems=[{"Put": {"TableName": "orders", "Item": {"id": {"S": "2"}}}}]
                    )
                assert "lacks TransactGetItems, TransactWriteItems" in before.ask(command="status")["tables"]
                _check_protected(client, RemoteEndpoint(url, RemoteCredentials(**_ANY)))
            finally:
                before.stop()
        finally:
            os.killpg(process.pid, signal.SIGTERM)


_ANY = {"access_key_id": "any", "secret_access_key": "any"}


def _check_protected(client: Any, remote: RemoteEndpoint) -> None:
    """dynalite knows of no deletion protection: Casemate's must hold before anything is deleted there."""

    async def asked(operation: str, **params: Any) -> Any:
        try:
            return await remote.call(operation, params)
        finally:
            remote.close()

    with pytest.raises(ClientError, match="At least one of"):
        client.update_table(TableName="orders", DeletionProtectionEnabled=True)
    assert client.describe_table(TableName="orders")["Table"]["DeletionProtectionEnabled"] is False
    client.create_table(
        TableName="kept",
        KeySchema=KEYS,
        AttributeDefinitions=ATTRIBUTES,
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    with pytest.raises(ClientError, match="protected against deletion"):
        client.delete_table(TableName="kept")
    assert "kept" in asyncio.run(asked("ListTables"))["TableNames"]
    # Gone at the remote already: then it is gone here too.
    asyncio.run(asked("DeleteTable", TableName="orders"))
    client.delete_table(TableName="orders")
    assert client.list_tables()["TableNames"] == ["kept"]


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers at {url}")
