"""boto3's EC2 client on the slice alone. Every answer is checked against botocore's output shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

from casemate.servicekit.store import Store
from casemate.services import ec2

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "long": int,
    "double": float,
    "float": float,
    "boolean": bool,
    "timestamp": datetime,
}


def check_shape(value: Any, shape: Any, path: str) -> None:
    """Fail on members that the shape does not have and on values of another type."""
    if value is None:
        return
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, f"{path} has no member {name}"
            check_shape(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), f"{path} is not a list: {value!r}"
        for each in value:
            check_shape(each, shape.member, f"{path}[]")
    else:
        assert isinstance(value, _TYPES[shape.type_name]), f"{path} is not a {shape.type_name}: {value!r}"


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    cloud: DirectCloud
    ec2: ec2.Ec2
    store: Store

    def client(self, *, account: str = "000000000000", region: str = "us-east-2") -> Any:
        client = self.cloud.client("ec2", account=account, region=region)

        def check(parsed: dict[str, Any], model: Any, **_: Any) -> None:
            if "Error" in parsed or model.output_shape is None:
                return
            body = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            check_shape(body, model.output_shape, model.name)

        client.meta.events.register("after-call", check)
        return client


@pytest.fixture
def world() -> Any:
    store = Store(None)
    cloud = DirectCloud(store)
    built = ec2.build(store, random_bytes=cloud.random_bytes, clock=lambda: cloud.now)
    cloud.services["ec2"] = built.service
    yield World(cloud=cloud, ec2=built, store=store)
    store.close()


@pytest.fixture
def client(world: World) -> Any:
    return world.client()


@pytest.fixture
def vpc(client: Any) -> str:
    return client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(client: Any, vpc: str) -> str:
    made = client.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-2a")
    return made["Subnet"]["SubnetId"]


@pytest.fixture
def table(client: Any, vpc: str) -> str:
    return client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


@pytest.fixture
def gateway(client: Any, vpc: str) -> str:
    made = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


@pytest.fixture
def refused() -> Any:
    """`refused("Code", client.operation, Param=...)` gives the message of the error it expects."""

    def call(code: str, operation: Any, **params: Any) -> str:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return str(caught.value.response["Error"]["Message"])

    return call
