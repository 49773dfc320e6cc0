"""Functions in a VPC that nobody invokes for two weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.model.errors import AwsError
from casemate.services.lambda_ import idling

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def code_of(call: Any) -> str:
    """Of what Invoke answers: a system error, 502."""
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    return caught.value.response["Error"]["Code"]


def test_the_state_of_an_idle_function_in_a_vpc(cloud: LambdaCloud, client: Any) -> None:
    vpc = {"SubnetIds": ["subnet-a1"], "SecurityGroupIds": ["sg-1"]}
    cloud.create(client, VpcConfig=vpc)
    cloud.create(client, "outside")
    cloud.now += timedelta(days=13)
    client.invoke(FunctionName="orders")
    cloud.now += timedelta(days=13, hours=23)
    assert idling.sweep(cloud.state, cloud.now) == []
    cloud.now += timedelta(hours=1)
    assert [function.name for function in idling.sweep(cloud.state, cloud.now)] == ["orders"]
    assert cloud.interfaces.users == {}, "its interface is reclaimed"
    shown = client.get_function_configuration(FunctionName="orders")
    assert (shown["State"], shown["StateReasonCode"]) == ("Inactive", "Idle")
    assert shown["VpcConfig"]["SubnetIds"] == ["subnet-a1"]
    assert client.get_function_configuration(FunctionName="outside")["State"] == "Active"
    assert code_of(lambda: client.invoke(FunctionName="orders")) == "ResourceNotReadyException"
    assert client.get_function_configuration(FunctionName="orders")["State"] == "Active"
    assert cloud.interfaces.users == {"eni-a1-sg-1": {ARN}}
    assert client.invoke(FunctionName="orders")["StatusCode"] == 200
    assert idling.sweep(cloud.state, cloud.now) == []


def test_an_idle_function_stays_inactive_when_its_subnet_is_full(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, VpcConfig={"SubnetIds": ["subnet-a1"], "SecurityGroupIds": ["sg-1"]})
    cloud.now += timedelta(days=14)
    idling.sweep(cloud.state, cloud.now)

    def full(**_: Any) -> Any:
        raise AwsError("InsufficientFreeAddressesInSubnet", "There are not enough free addresses")

    cloud.interfaces.acquire = full  # type: ignore[method-assign] # the test's own stand-in
    assert code_of(lambda: client.invoke(FunctionName="orders")) == "SubnetIPAddressLimitReachedException"
    assert client.get_function_configuration(FunctionName="orders")["State"] == "Inactive"
