"""Network interfaces, those of functions too. Sources: EC2 API reference; Lambda Developer Guide, "Hyperplane ENIs"."""

from __future__ import annotations

from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.model.network import InterfaceKind

ORDERS = "arn:aws:lambda:us-east-2:000000000000:function:orders"
BILLING = "arn:aws:lambda:us-east-2:000000000000:function:billing"


def test_create_and_describe(client: Any, subnet: str) -> None:
    made = client.create_network_interface(
        SubnetId=subnet,
        Description="mine",
        PrivateIpAddress="10.0.1.50",
        SecondaryPrivateIpAddressCount=1,
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "n"}]}],
    )["NetworkInterface"]
    assert made["Status"] == "pending"
    by_name = [{"Name": "tag:Name", "Values": ["n"]}]
    (shown,) = client.describe_network_interfaces(Filters=by_name)["NetworkInterfaces"]
    assert (shown["Status"], shown["InterfaceType"], shown["Description"]) == (
        "available",
        "interface",
        "mine",
    )
    assert [each["PrivateIpAddress"] for each in shown["PrivateIpAddresses"]] == ["10.0.1.50", "10.0.1.4"]
    assert shown["PrivateDnsName"] == "ip-10-0-1-50.us-east-2.compute.internal"
    assert [each["GroupName"] for each in shown["Groups"]] == ["default"]
    assert shown["MacAddress"].startswith("02:")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"PrivateIpAddress": "10.0.2.5"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.1.3"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.1.255"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "ten"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.1.4"}, "InvalidIPAddress.InUse"),
        ({"Groups": ["sg-0123"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123"}, "InvalidSubnetID.NotFound"),
        ({"SecondaryPrivateIpAddressCount": 250}, "InsufficientFreeAddressesInSubnet"),
    ],
)
def test_create_refuses(client: Any, refused: Any, subnet: str, params: dict[str, Any], code: str) -> None:
    client.create_network_interface(SubnetId=subnet)
    refused(code, client.create_network_interface, **{"SubnetId": subnet, **params})


def test_attributes(client: Any, refused: Any, world: Any, vpc: str, subnet: str) -> None:
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    group = client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    client.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[group])
    client.modify_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
    projected = world.ec2.network.snapshot().vpcs[vpc].interfaces[eni]
    assert (projected.groups, projected.source_dest_check) == ((group,), False)
    shown = client.describe_network_interface_attribute(NetworkInterfaceId=eni, Attribute="groupSet")
    assert shown["Groups"] == [{"GroupId": group, "GroupName": "g"}]
    client.reset_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck="")
    both = {"Groups": [group], "Description": {"Value": "x"}}
    refused(
        "InvalidParameterCombination",
        client.modify_network_interface_attribute,
        NetworkInterfaceId=eni,
        **both,
    )


def test_secondary_addresses(client: Any, refused: Any, world: Any, vpc: str, subnet: str) -> None:
    first, second = (
        client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        for _ in range(2)
    )
    made = client.assign_private_ip_addresses(NetworkInterfaceId=first, SecondaryPrivateIpAddressCount=2)
    assert [each["PrivateIpAddress"] for each in made["AssignedPrivateIpAddresses"]] == [
        "10.0.1.6",
        "10.0.1.7",
    ]
    steal = {"NetworkInterfaceId": second, "PrivateIpAddresses": ["10.0.1.7"]}
    refused("InvalidIPAddress.InUse", client.assign_private_ip_addresses, **steal)
    client.assign_private_ip_addresses(**steal, AllowReassignment=True)
    interfaces = world.ec2.network.snapshot().vpcs[vpc].interfaces
    assert [str(each) for each in interfaces[first].secondary] == ["10.0.1.6"]
    assert [str(each) for each in interfaces[second].secondary] == ["10.0.1.7"]
    client.unassign_private_ip_addresses(**steal)
    refused("InvalidParameterValue", client.unassign_private_ip_addresses, **steal)
    refused("InvalidParameterCombination", client.assign_private_ip_addresses, NetworkInterfaceId=first)


def test_attaching_to_what_is_not_there(client: Any, refused: Any, subnet: str) -> None:
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    attach = {"NetworkInterfaceId": eni, "InstanceId": "i-0123", "DeviceIndex": 1}
    refused("InvalidInstanceID.NotFound", client.attach_network_interface, **attach)
    refused("InvalidAttachmentID.NotFound", client.detach_network_interface, AttachmentId="eni-attach-01")
    client.delete_network_interface(NetworkInterfaceId=eni)
    refused("InvalidNetworkInterfaceID.NotFound", client.delete_network_interface, NetworkInterfaceId=eni)


def acquire(world: Any, subnet: str, groups: list[str], function: str) -> Any:
    with world.store.transaction():
        return world.ec2.function_interfaces.acquire(
            account="000000000000",
            region="us-east-2",
            subnet_id=subnet,
            group_ids=groups,
            function_arn=function,
        )


def release(world: Any, interface: Any, function: str) -> None:
    with world.store.transaction():
        world.ec2.function_interfaces.release(interface_id=interface.interface_id, function_arn=function)


def test_functions_share_an_interface_for_a_subnet_and_a_set_of_groups(
    client: Any, refused: Any, world: Any, vpc: str, subnet: str
) -> None:
    one, two = (
        client.create_security_group(VpcId=vpc, GroupName=name, Description="d")["GroupId"]
        for name in ("a", "b")
    )
    first = acquire(world, subnet, [one, two], ORDERS)
    assert first.kind is InterfaceKind.LAMBDA
    assert acquire(world, subnet, [two, one], BILLING).interface_id == first.interface_id
    other = acquire(world, subnet, [one], ORDERS)
    assert other.interface_id != first.interface_id
    (shown,) = client.describe_network_interfaces(NetworkInterfaceIds=[first.interface_id])[
        "NetworkInterfaces"
    ]
    assert (shown["InterfaceType"], shown["Status"], shown["RequesterManaged"]) == ("lambda", "in-use", True)
    assert shown["Description"].startswith("AWS Lambda VPC ENI-orders-")
    assert shown["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    snapshot = world.ec2.network.snapshot().vpcs[vpc]
    assert snapshot.interfaces[first.interface_id] == first
    refused("DependencyViolation", client.delete_subnet, SubnetId=subnet)
    refused("DependencyViolation", client.delete_security_group, GroupId=two)
    release(world, first, ORDERS)
    release(world, first, ORDERS)
    assert first.interface_id in world.ec2.network.snapshot().vpcs[vpc].interfaces
    release(world, first, BILLING)
    assert first.interface_id not in world.ec2.network.snapshot().vpcs[vpc].interfaces
    release(world, first, BILLING)
    client.delete_security_group(GroupId=two)


def test_a_functions_interface_is_not_the_users(client: Any, refused: Any, world: Any, subnet: str) -> None:
    eni = acquire(world, subnet, [], ORDERS).interface_id
    mine = {"NetworkInterfaceId": eni}
    refused(
        "OperationNotPermitted", client.modify_network_interface_attribute, **mine, Description={"Value": "x"}
    )
    refused(
        "OperationNotPermitted", client.assign_private_ip_addresses, **mine, SecondaryPrivateIpAddressCount=1
    )
    message = refused("InvalidParameterValue", client.delete_network_interface, **mine)
    assert message == f"Network interface '{eni}' is currently in use."
    shown = client.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
    attachment = shown["Attachment"]["AttachmentId"]
    message = refused("OperationNotPermitted", client.detach_network_interface, AttachmentId=attachment)
    assert message == "You are not allowed to manage 'ela-attach' attachments."
    allocation = client.allocate_address()["AllocationId"]
    refused("OperationNotPermitted", client.associate_address, AllocationId=allocation, **mine)


def test_acquiring_where_it_cannot_be(client: Any, world: Any, subnet: str) -> None:
    def code(subnet_id: str, groups: list[str]) -> str:
        with pytest.raises(AwsError) as caught:
            acquire(world, subnet_id, groups, ORDERS)
        return caught.value.code

    assert code("subnet-0123", []) == "InvalidSubnetID.NotFound"
    assert code(subnet, ["sg-0123"]) == "InvalidGroup.NotFound"
    client.create_network_interface(SubnetId=subnet, SecondaryPrivateIpAddressCount=250)
    assert code(subnet, []) == "InsufficientFreeAddressesInSubnet"
    ports = world.ec2.function_interfaces
    assert ports.vpc_of(account="000000000000", region="us-east-2", subnet_id=subnet).startswith("vpc-")
    with pytest.raises(AwsError) as caught:
        ports.vpc_of(account="111111111111", region="us-east-2", subnet_id=subnet)
    assert caught.value.code == "InvalidSubnetID.NotFound"
