"""What Lambda's pages say of VPCs that takes more than one caller, or more than one function, to see.

Sources: Lambda Developer Guide, "VPC networking for Lambda" (Connections), "Giving Lambda functions access to resources in
an Amazon VPC" (Using IAM condition keys for VPC settings), "Connecting inbound interface VPC endpoints for Lambda".
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.private_table import PrivateTable, policy, unique, zipped

pytestmark = pytest.mark.kernel

EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
SERVER = """
import socket, time
def handler(event, context):
    server = socket.create_server(("", 8080))
    server.settimeout(event["seconds"])
    socket.create_connection(("127.0.0.1", 8080)).close()
    callers = [server.accept()[1][0]]
    try:
        callers.append(server.accept()[1][0])
    except TimeoutError:
        pass
    return callers
"""


def test_nothing_in_a_vpc_connects_to_a_function(world: PrivateTable) -> None:
    """ "Connections [...] can't be initiated from your VPC to the function": nobody answers at the interface's address."""
    vpc = world.vpc()
    group = vpc.group()
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[EVERYTHING])
    place = {"SubnetIds": [vpc.subnet("a")], "SecurityGroupIds": [group]}
    server = unique("server")
    world.lambda_.create_function(
        FunctionName=server, Runtime="python3.12", Handler="m.handler", Role=world.role(), Timeout=10,
        Code={"ZipFile": zipped({"m.py": SERVER})}, VpcConfig=place,
    )  # fmt: skip
    world.lambda_.get_waiter("function_active_v2").wait(FunctionName=server, WaiterConfig={"Delay": 1})
    found = world.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc.vpc_id]}])
    (interface,) = found["NetworkInterfaces"]
    client = world.function(subnets=[vpc.subnet("b")], groups=[group])
    world.invoke(client, "resolve", name="localhost")  # it is warm
    with ThreadPoolExecutor(1) as pool:
        call = {"FunctionName": server, "Payload": json.dumps({"seconds": 1.2})}
        serving = pool.submit(lambda: json.load(world.lambda_.invoke(**call)["Payload"]))
        for _ in range(2):
            answer = world.invoke(
                client, "connect", host=interface["PrivateIpAddress"], port=8080, timeout=0.4
            )
            assert not answer["ok"], "somebody answered"
            assert not serving.done(), "it still listens"
        assert serving.result() == ["127.0.0.1"], "it listened, and nobody but itself came"


def test_an_interface_endpoint_for_lambda_and_its_policy(world: PrivateTable) -> None:
    """ "You need to include both the qualified and the unqualified function ARN in the resource"."""
    vpc = world.vpc()
    subnet, open_group = vpc.subnet("private"), vpc.group()
    world.ec2.authorize_security_group_ingress(GroupId=open_group, IpPermissions=[EVERYTHING])
    target, other = world.function(), world.function()
    arn = world.lambda_.get_function_configuration(FunctionName=target)["FunctionArn"]
    allowed = {
        "Principal": "*",
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": [arn, f"{arn}:*"],
    }
    endpoint = vpc.interface_endpoint("lambda", "private", group=open_group, PolicyDocument=policy(allowed))
    role = world.role({"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})
    caller = world.function(subnets=[subnet], groups=[vpc.group()], role=role)
    event = json.dumps({"do": "environment"})

    def call(operation: str, **params: Any) -> dict[str, Any]:
        return world.invoke(caller, "call", service="lambda", operation=operation, params=params)

    assert call("invoke", FunctionName=target, Payload=event)["response"]["StatusCode"] == 200
    assert call("invoke", FunctionName=target, Qualifier="$LATEST", Payload=event)["ok"]
    for refused in (call("invoke", FunctionName=other, Payload=event), call("list_functions")):
        assert refused["error"] == "AccessDeniedException", refused
        assert "VPC endpoint policy" in refused["message"]
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], ResetPolicy=True)
    assert call("list_functions")["ok"], "any of the Lambda API operations"


class Deployer:
    """A user who may do everything with functions but what its policy denies."""

    def __init__(self, world: PrivateTable) -> None:
        self._iam = world.iam
        self._name = unique("deployer")
        world.iam.create_user(UserName=self._name)
        key = world.iam.create_access_key(UserName=self._name)["AccessKey"]
        self.lambda_ = world.instance.client("lambda", credentials=key)

    def under(self, *statements: dict[str, Any], allow: bool = True) -> None:
        actions = ["iam:PassRole", "ec2:Describe*", *(["lambda:*"] if allow else [])]
        everything = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = policy(everything, *statements)
        self._iam.put_user_policy(UserName=self._name, PolicyName="own", PolicyDocument=document)

    def may(self, function: str, **changes: Any) -> bool:
        try:
            self.lambda_.update_function_configuration(FunctionName=function, **changes)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        return True


def about_settings(effect: str, operator: str, **keys: Any) -> dict[str, Any]:
    """The page's statements."""
    return {
        "Effect": effect,
        "Action": ["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"],
        "Resource": "*",
        "Condition": {operator: {f"lambda:{name}": value for name, value in keys.items()}},
    }


def test_condition_keys_say_who_may_connect_a_function_to_what(world: PrivateTable) -> None:
    """The page's policies, one after the other."""
    vpc, deployer, function = world.vpc(), Deployer(world), world.function()
    one, two, group, guard = vpc.subnet("a"), vpc.subnet("b"), vpc.group(), vpc.group()

    def at(*subnets: str, groups: tuple[str, ...] = (group,)) -> dict[str, Any]:
        return {"VpcConfig": {"SubnetIds": list(subnets), "SecurityGroupIds": list(groups)}}

    nowhere = at(groups=())
    deployer.under(about_settings("Deny", "Null", VpcIds="true"))
    assert [deployer.may(function, **nowhere), deployer.may(function, **at(one))] == [False, True]
    assert deployer.may(function, Description="no VPC configuration in the request")
    deployer.under(about_settings("Deny", "StringEquals", VpcIds=[vpc.vpc_id]))
    assert [deployer.may(function, **at(two)), deployer.may(function, **nowhere)] == [False, True]
    deployer.under(about_settings("Deny", "ForAnyValue:StringEquals", SubnetIds=[two]))
    assert [deployer.may(function, **at(one, two)), deployer.may(function, **at(one))] == [False, True]
    deployer.under(about_settings("Deny", "ForAnyValue:StringEquals", SecurityGroupIds=[guard]))
    guarded = at(one, groups=(group, guard))
    assert [deployer.may(function, **guarded), deployer.may(function, **at(one))] == [False, True]
    deployer.under(about_settings("Allow", "StringEquals", VpcIds=[vpc.vpc_id]), allow=False)
    assert [deployer.may(function, **at(two)), deployer.may(function, **nowhere)] == [True, False]
    deployer.under(about_settings("Allow", "ForAllValues:StringEquals", SubnetIds=[one]), allow=False)
    assert [deployer.may(function, **at(one)), deployer.may(function, **at(one, two))] == [True, False]
