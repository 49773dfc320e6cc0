"""Bad input gets AWS's error, whatever the protocol; never a traceback, never a 500."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.support.instance import REGION, Instance


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    running = Instance(tmp_path_factory.mktemp("bad-input"), "--ephemeral", "--dataplane", "off").start()
    yield running
    running.stop()
    assert "Traceback" not in running.log.read_text()


def send(
    instance: Instance,
    service: str,
    body: bytes,
    headers: dict[str, str],
    *,
    secret: str | None = None,
    method: str = "POST",
) -> tuple[int, str]:
    """A signed request, made by hand."""
    keys = instance.keys()
    request = AWSRequest(method=method, url=instance.endpoint + "/", data=body, headers=headers)
    credentials = Credentials(keys["access_key_id"], secret or keys["secret_access_key"])
    SigV4Auth(credentials, service, REGION).add_auth(request)
    connection = http.client.HTTPConnection(instance.endpoint.removeprefix("http://"), timeout=10)
    connection.request(method, "/", body=body, headers=dict(request.headers.items()))
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


JSON = {"Content-Type": "application/x-amz-json-1.0"}


def code(text: str) -> str:
    return json.loads(text)["__type"].rpartition("#")[2]


def test_malformed_json(instance: Instance) -> None:
    status, text = send(
        instance, "dynamodb", b"{nope", {**JSON, "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    )
    assert (status, code(text)) == (400, "SerializationException")


def test_unknown_json_operation(instance: Instance) -> None:
    status, text = send(instance, "dynamodb", b"{}", {**JSON, "X-Amz-Target": "DynamoDB_20120810.Nonsense"})
    assert (status, code(text)) == (400, "UnknownOperationException")


def test_unknown_query_operation(instance: Instance) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, text = send(instance, "ec2", b"Action=Nonsense&Version=2016-11-15", form)
    assert status == 400
    assert "<Code>InvalidAction</Code>" in text


def test_bad_signature(instance: Instance) -> None:
    target = {**JSON, "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    status, text = send(instance, "dynamodb", b"{}", target, secret="wrong")
    assert status == 400
    assert code(text) == "InvalidSignatureException"


def test_unknown_key(instance: Instance) -> None:
    bad = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}
    with pytest.raises(ClientError) as error:
        instance.client("sts", credentials=bad).get_caller_identity()
    assert error.value.response["Error"]["Code"] == "InvalidClientTokenId"
    with pytest.raises(ClientError) as error:
        instance.client("dynamodb", credentials=bad).list_tables()
    assert error.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_unsigned(instance: Instance) -> None:
    connection = http.client.HTTPConnection(instance.endpoint.removeprefix("http://"), timeout=10)
    connection.request(
        "POST", "/", body=b"{}", headers={**JSON, "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    )
    response = connection.getresponse()
    assert response.status == 400
    assert code(response.read().decode()) == "MissingAuthenticationTokenException"


def test_oversized_body(instance: Instance) -> None:
    connection = http.client.HTTPConnection(instance.endpoint.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(200 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_garbage_instead_of_http(instance: Instance) -> None:
    import socket

    host, port = instance.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as sock:
        sock.sendall(b"\x00\x01\x02garbage\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400")


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_ec2_input(instance: Instance) -> None:
    ec2 = instance.client("ec2")
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/8")[0] == "InvalidVpc.Range"
    assert refused(ec2.create_vpc, CidrBlock="nonsense")[0] == "InvalidParameterValue"
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")
    assert refused(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/25")[0] == "InvalidSubnet.Conflict"
    assert refused(ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.1.0/24")[0] == "InvalidSubnet.Range"
    missing = "subnet-00000000000000000"
    assert refused(ec2.describe_subnets, SubnetIds=[missing]) == (
        "InvalidSubnetID.NotFound",
        f"The subnet ID '{missing}' does not exist",
    )


@pytest.mark.parametrize("digits", ["\u00b2", "\u0663", "9" * 5000], ids=["superscript", "arabic", "many"])
def test_what_only_looks_like_a_number(instance: Instance, digits: str) -> None:
    """`str.isdigit` takes more than int() does, and int() no more than 4,300 digits."""
    functions, logs, ec2 = (instance.client(name) for name in ("lambda", "logs", "ec2"))
    assert refused(functions.list_layers, Marker=digits)[0] == "InvalidParameterValueException"
    assert refused(logs.describe_log_groups, nextToken=digits)[0] == "InvalidParameterException"
    acl = ec2.describe_network_acls()["NetworkAcls"][0]["NetworkAclId"]
    entry = {
        "NetworkAclId": acl,
        "RuleNumber": 7,
        "RuleAction": "allow",
        "Egress": False,
        "CidrBlock": "1.0.0.0/8",
    }
    assert refused(ec2.create_network_acl_entry, **entry, Protocol=digits)[0] == "InvalidParameterValue"
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    rule = {"IpProtocol": digits, "IpRanges": [{"CidrIp": "1.0.0.0/8"}]}
    assert (
        refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule])[0]
        == "InvalidParameterValue"
    )
    dynamodb = instance.client("dynamodb")
    statement = f"SELECT a[{digits}] FROM orders"
    assert refused(dynamodb.execute_statement, Statement=statement)[0] == "ValidationException"


def test_policy_documents(instance: Instance) -> None:
    iam = instance.client("iam")
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument="{}")[0] == "MalformedPolicyDocument"
    assert (
        refused(iam.create_policy, PolicyName="p", PolicyDocument="not json")[0] == "MalformedPolicyDocument"
    )
    organizations = instance.client("organizations", account="111111111111")
    params = {
        "Name": "x",
        "Description": "",
        "Type": "SERVICE_CONTROL_POLICY",
        "Content": '{"Version": "1999-01-01"}',
    }
    assert refused(organizations.create_policy, **params)[0] == "MalformedPolicyDocumentException"
