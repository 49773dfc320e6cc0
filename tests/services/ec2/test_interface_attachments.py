"""Instances with more than one network interface.

Sources: EC2 User Guide, "Elastic network interfaces"; API Reference, AttachNetworkInterface, DetachNetworkInterface,
ModifyNetworkInterfaceAttribute and AssociateAddress; AttachmentLimitExceeded as reported in cilium/cilium issue 15877;
the words about public addresses in zalando-incubator/kubernetes-on-aws pull request 8733.
"""

from __future__ import annotations

from typing import Any

import pytest

from casemate.model.network import NetworkInterface


@pytest.fixture
def image(client: Any) -> str:
    named = [{"Name": "name", "Values": ["al2023-ami-2023.*-kernel-6.12-x86_64"]}]
    (found,) = client.describe_images(Owners=["amazon"], Filters=named)["Images"]
    return found["ImageId"]


@pytest.fixture
def launch(client: Any, image: str) -> Any:
    def run(**params: Any) -> Any:
        asked = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        return client.run_instances(**(asked | params))["Instances"][0]

    return run


def interface(client: Any, subnet: str, **params: Any) -> str:
    return client.create_network_interface(SubnetId=subnet, **params)["NetworkInterface"][
        "NetworkInterfaceId"
    ]


def shown(client: Any, interface_id: str) -> dict[str, Any]:
    return client.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"][0]


def test_attach_describe_detach(client: Any, launch: Any, subnet: str, world: Any) -> None:
    instance = launch(SubnetId=subnet)["InstanceId"]
    second = interface(client, subnet, PrivateIpAddress="10.0.1.77")
    attached = client.attach_network_interface(NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)
    now = shown(client, second)
    assert now["Status"] == "in-use"
    assert now["Attachment"]["AttachmentId"] == attached["AttachmentId"]
    assert (now["Attachment"]["DeviceIndex"], now["Attachment"]["DeleteOnTermination"]) == (1, False)
    described = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    first, other = described["NetworkInterfaces"]
    assert [first["Attachment"]["DeviceIndex"], other["Attachment"]["DeviceIndex"]] == [0, 1]
    assert described["PrivateIpAddress"] == first["PrivateIpAddress"]
    (vpc,) = [each for each in world.ec2.network.snapshot().vpcs.values() if second in each.interfaces]
    projected: NetworkInterface = vpc.interfaces[second]
    assert (projected.host, projected.device_index) == (first["NetworkInterfaceId"], 1)
    assert vpc.interfaces[first["NetworkInterfaceId"]].host == ""
    client.detach_network_interface(AttachmentId=attached["AttachmentId"])
    assert shown(client, second)["Status"] == "available"
    assert shown(client, second).get("Attachment") is None


def test_what_cannot_be_attached(client: Any, launch: Any, subnet: str, vpc: str, refused: Any) -> None:
    instance = launch(SubnetId=subnet)["InstanceId"]
    second, third = interface(client, subnet), interface(client, subnet)
    attach = {"NetworkInterfaceId": second, "InstanceId": instance}
    refused("InvalidParameterValue", client.attach_network_interface, DeviceIndex=0, **attach)
    refused(
        "InvalidParameterValue", client.attach_network_interface, DeviceIndex=1, NetworkCardIndex=1, **attach
    )
    elsewhere = client.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24", AvailabilityZone="us-east-2c")
    far = interface(client, elsewhere["Subnet"]["SubnetId"])
    refused(
        "InvalidParameterCombination",
        client.attach_network_interface,
        NetworkInterfaceId=far,
        InstanceId=instance,
        DeviceIndex=1,
    )
    client.attach_network_interface(DeviceIndex=1, **attach)
    refused("InvalidParameterValue", client.attach_network_interface, DeviceIndex=2, **attach)  # in use
    refused(
        "AttachmentLimitExceeded",
        client.attach_network_interface,
        NetworkInterfaceId=third,
        InstanceId=instance,
        DeviceIndex=2,
    )
    refused("InvalidParameterValue", client.delete_network_interface, NetworkInterfaceId=second)


def test_a_primary_interface_stays(client: Any, launch: Any, subnet: str, refused: Any) -> None:
    (first,) = launch(SubnetId=subnet)["NetworkInterfaces"]
    attachment = first["Attachment"]["AttachmentId"]
    refused("OperationNotPermitted", client.detach_network_interface, AttachmentId=attachment)
    refused(
        "InvalidAttachmentID.NotFound",
        client.detach_network_interface,
        AttachmentId="eni-attach-0123456789abcdef0",
    )


@pytest.mark.parametrize("goes_along", [True, False])
def test_termination_deletes_what_was_to_go_along(
    client: Any, launch: Any, subnet: str, refused: Any, goes_along: bool
) -> None:
    instance = launch(SubnetId=subnet)["InstanceId"]
    second = interface(client, subnet)
    attached = client.attach_network_interface(NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)
    client.modify_network_interface_attribute(
        NetworkInterfaceId=second,
        Attachment={"AttachmentId": attached["AttachmentId"], "DeleteOnTermination": goes_along},
    )
    client.terminate_instances(InstanceIds=[instance])
    if goes_along:
        by_id = {"NetworkInterfaceIds": [second]}
        refused("InvalidNetworkInterfaceID.NotFound", client.describe_network_interfaces, **by_id)
    else:
        assert shown(client, second)["Status"] == "available"


def test_launch_with_two(client: Any, launch: Any, subnet: str) -> None:
    kept = interface(client, subnet, PrivateIpAddress="10.0.1.90")
    made = launch(
        NetworkInterfaces=[
            {"DeviceIndex": 1, "NetworkInterfaceId": kept},
            {"DeviceIndex": 0, "SubnetId": subnet, "PrivateIpAddress": "10.0.1.80"},
        ],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "new"}]}],
    )
    first, second = made["NetworkInterfaces"]
    assert (first["PrivateIpAddress"], second["PrivateIpAddress"]) == ("10.0.1.80", "10.0.1.90")
    assert [each["Attachment"]["DeleteOnTermination"] for each in (first, second)] == [True, False]
    assert shown(client, kept)["TagSet"] == []
    assert shown(client, first["NetworkInterfaceId"])["TagSet"] == [{"Key": "Name", "Value": "new"}]


def test_a_public_address_is_for_instances_with_one(
    client: Any, launch: Any, subnet: str, refused: Any
) -> None:
    both = [{"DeviceIndex": 0, "SubnetId": subnet}, {"DeviceIndex": 1, "SubnetId": subnet}]
    asked = [both[0] | {"AssociatePublicIpAddress": True}, both[1]]
    refused("InvalidParameterCombination", launch, NetworkInterfaces=asked)
    client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert launch(NetworkInterfaces=both).get("PublicIpAddress") is None
    assert launch(SubnetId=subnet)["PublicIpAddress"]


@pytest.mark.parametrize(
    ("code", "indexes"),
    [
        ("InvalidParameterValue", [1]),
        ("InvalidParameterCombination", [0, 0]),
        ("AttachmentLimitExceeded", [0, 1, 2]),
    ],
)
def test_device_indexes_of_a_launch(
    launch: Any, subnet: str, refused: Any, code: str, indexes: list[int]
) -> None:
    wanted = [{"DeviceIndex": each, "SubnetId": subnet} for each in indexes]
    refused(code, launch, NetworkInterfaces=wanted)


def test_an_elastic_address_for_an_instance_with_two_needs_the_interface(
    client: Any, launch: Any, subnet: str, vpc: str, refused: Any
) -> None:
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    both = [{"DeviceIndex": 0, "SubnetId": subnet}, {"DeviceIndex": 1, "SubnetId": subnet}]
    made = launch(NetworkInterfaces=both)
    address = client.allocate_address()["AllocationId"]
    refused(
        "InvalidInstanceID", client.associate_address, AllocationId=address, InstanceId=made["InstanceId"]
    )
    second = made["NetworkInterfaces"][1]["NetworkInterfaceId"]
    client.associate_address(AllocationId=address, NetworkInterfaceId=second)
    assert shown(client, second)["Association"]["AllocationId"] == address


def test_attributes_of_an_instance_with_two_are_those_of_an_interface(
    client: Any, launch: Any, subnet: str, refused: Any
) -> None:
    both = [{"DeviceIndex": 0, "SubnetId": subnet}, {"DeviceIndex": 1, "SubnetId": subnet}]
    instance = launch(NetworkInterfaces=both)["InstanceId"]
    unchecked = {"InstanceId": instance, "SourceDestCheck": {"Value": False}}
    refused("InvalidInstanceID", client.modify_instance_attribute, **unchecked)
