"""Instances in the control plane: what a launch makes, what is refused, the states, and what Terraform reads.

Codes and messages: EC2 API Reference, "Error codes for the Amazon EC2 API", and the pages of the operations.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest


@pytest.fixture
def image(client: Any) -> str:
    named = [{"Name": "name", "Values": ["al2023-ami-2023.*-kernel-6.12-x86_64"]}]
    (found,) = client.describe_images(Owners=["amazon"], Filters=named)["Images"]
    return found["ImageId"]


@pytest.fixture
def launch(client: Any, image: str, subnet: str) -> Any:
    def run(**params: Any) -> Any:
        asked = {
            "ImageId": image,
            "InstanceType": "t3.micro",
            "MinCount": 1,
            "MaxCount": 1,
            "SubnetId": subnet,
        }
        if "NetworkInterfaces" in params:
            del asked["SubnetId"]
        return client.run_instances(**(asked | params))["Instances"]

    return run


def described(client: Any, instance_id: str) -> dict[str, Any]:
    return client.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def test_a_launch_makes_interface_volume_and_tags(client: Any, launch: Any, subnet: str) -> None:
    (made,) = launch(
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "disk"}]},
        ]
    )
    assert made["State"] == {"Code": 0, "Name": "pending"}
    assert made["PrivateIpAddress"] == "10.0.1.4"
    shown = described(client, made["InstanceId"])
    assert shown["State"] == {"Code": 16, "Name": "running"}
    assert shown["Tags"] == [{"Key": "Name", "Value": "web"}]
    (interface,) = client.describe_network_interfaces()["NetworkInterfaces"]
    assert interface["Attachment"]["InstanceId"] == made["InstanceId"]
    assert interface["Attachment"]["DeleteOnTermination"] is True
    (volume,) = client.describe_volumes()["Volumes"]
    assert volume["Attachments"][0]["InstanceId"] == made["InstanceId"]
    assert volume["Tags"] == [{"Key": "Name", "Value": "disk"}]
    (status,) = client.describe_instance_status(InstanceIds=[made["InstanceId"]])["InstanceStatuses"]
    assert (status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]) == ("ok", "ok")
    by_tag = client.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["w*"]}])["Reservations"]
    assert [each["InstanceId"] for each in by_tag[0]["Instances"]] == [made["InstanceId"]]
    (unlimited,) = client.describe_instance_credit_specifications(InstanceIds=[made["InstanceId"]])[
        "InstanceCreditSpecifications"
    ]
    assert unlimited["CpuCredits"] == "unlimited"


def test_images_decide_the_metadata_default(client: Any, launch: Any) -> None:
    (modern,) = launch()
    old = client.describe_images(Filters=[{"Name": "name", "Values": ["amzn2-*"]}])["Images"][0]["ImageId"]
    (old_made,) = launch(ImageId=old)
    options = [each["MetadataOptions"] for each in (modern, old_made)]
    assert [(each["HttpTokens"], each["HttpPutResponseHopLimit"]) for each in options] == [
        ("required", 2),
        ("optional", 1),
    ]


def test_the_states_of_an_instance(client: Any, launch: Any, refused: Any) -> None:
    (made,) = launch()
    instance = made["InstanceId"]
    stopped = client.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert (stopped["PreviousState"]["Name"], stopped["CurrentState"]["Name"]) == ("running", "stopping")
    shown = described(client, instance)
    assert shown["State"]["Name"] == "stopped"
    assert shown["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    refused("IncorrectInstanceState", client.reboot_instances, InstanceIds=[instance])
    started = client.start_instances(InstanceIds=[instance])["StartingInstances"][0]
    assert (started["PreviousState"]["Name"], started["CurrentState"]["Name"]) == ("stopped", "pending")
    client.terminate_instances(InstanceIds=[instance])
    shown = described(client, instance)
    assert (shown["State"]["Name"], shown["NetworkInterfaces"]) == ("terminated", [])
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []
    assert client.describe_volumes()["Volumes"] == []
    refused("IncorrectInstanceState", client.start_instances, InstanceIds=[instance])
    assert client.terminate_instances(InstanceIds=[instance])["TerminatingInstances"]


def test_protected_instances(client: Any, launch: Any, refused: Any) -> None:
    (made,) = launch(DisableApiTermination=True, DisableApiStop=True)
    instance = made["InstanceId"]
    message = refused("OperationNotPermitted", client.terminate_instances, InstanceIds=[instance])
    assert "Modify its 'disableApiTermination' instance attribute and try again" in message
    refused("OperationNotPermitted", client.stop_instances, InstanceIds=[instance])
    client.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    client.terminate_instances(InstanceIds=[instance])


def test_launches_that_are_refused(client: Any, launch: Any, refused: Any, vpc: str, subnet: str) -> None:
    other = client.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    foreign = client.create_security_group(VpcId=other, GroupName="g", Description="d")["GroupId"]
    refused("InvalidAMIID.NotFound", launch, ImageId="ami-0123456789abcdef0")
    refused("InvalidAMIID.Malformed", launch, ImageId="image")
    refused("InvalidSubnetID.NotFound", launch, SubnetId="subnet-0123456789abcdef0")
    refused("InvalidGroup.NotFound", launch, SecurityGroupIds=["sg-0123456789abcdef0"])
    refused("InvalidParameter", launch, SecurityGroupIds=[foreign])
    refused("InvalidParameterValue", launch, InstanceType="x9.huge")
    refused("InvalidParameterValue", launch, InstanceType="t4g.micro")  # an ARM type for an x86 image
    refused("InvalidKeyPair.NotFound", launch, KeyName="none")
    refused("InvalidParameterValue", launch, IamInstanceProfile={"Name": "none"})
    refused("InvalidParameterValue", launch, MinCount=3, MaxCount=2)
    refused("InvalidParameterValue", launch, PrivateIpAddress="10.0.1.1")
    refused("InvalidParameterCombination", launch, PrivateIpAddress="10.0.1.9", MaxCount=2)
    refused("InvalidParameterValue", launch, UserData=b64encode(b"#" * 16_385).decode())
    card = {"DeviceIndex": 0, "SubnetId": subnet}
    refused("InvalidParameterCombination", launch, NetworkInterfaces=[card], SecurityGroupIds=[foreign])
    refused("InvalidParameterCombination", launch, NetworkInterfaces=[card, card])
    smaller = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 4}}
    refused("InvalidBlockDeviceMapping", launch, BlockDeviceMappings=[smaller])
    assert refused("DryRunOperation", launch, DryRun=True)
    assert client.describe_instances()["Reservations"] == []
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


def test_instances_that_are_not_there(client: Any, refused: Any) -> None:
    refused("InvalidInstanceID.NotFound", client.describe_instances, InstanceIds=["i-0123456789abcdef0"])
    refused("InvalidInstanceID.Malformed", client.terminate_instances, InstanceIds=["instance"])
    refused("InvalidInstanceID.NotFound", client.stop_instances, InstanceIds=["i-0123456789abcdef0"])


def test_a_client_token_launches_once(client: Any, launch: Any, refused: Any) -> None:
    first, again = launch(ClientToken="once"), launch(ClientToken="once")
    assert [each["InstanceId"] for each in first] == [each["InstanceId"] for each in again]
    refused("IdempotentParameterMismatch", launch, ClientToken="once", InstanceType="t3.small")


def test_as_many_as_there_are_addresses(client: Any, launch: Any, refused: Any, vpc: str) -> None:
    small = client.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    refused("InsufficientFreeAddressesInSubnet", launch, SubnetId=small, MinCount=12, MaxCount=12)
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []
    assert len(launch(SubnetId=small, MinCount=5, MaxCount=20)) == 11


def test_a_public_address_lasts_as_long_as_the_instance_runs(client: Any, launch: Any, subnet: str) -> None:
    card = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}
    (made,) = launch(NetworkInterfaces=[card])
    instance = made["InstanceId"]
    first = described(client, instance)["PublicIpAddress"]
    assert client.describe_addresses()["Addresses"] == []
    client.stop_instances(InstanceIds=[instance])
    assert "PublicIpAddress" not in {key for key, value in described(client, instance).items() if value}
    client.start_instances(InstanceIds=[instance])
    assert described(client, instance)["PublicIpAddress"] == first  # the lowest free one again


def test_an_elastic_address_takes_the_place_of_a_public_one(
    client: Any, launch: Any, subnet: str, gateway: str
) -> None:
    client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    (made,) = launch()
    instance = made["InstanceId"]
    address = client.allocate_address()
    assert described(client, instance)["PublicIpAddress"] != address["PublicIp"]
    client.associate_address(InstanceId=instance, AllocationId=address["AllocationId"])
    assert described(client, instance)["PublicIpAddress"] == address["PublicIp"]
    assert client.describe_addresses()["Addresses"][0]["InstanceId"] == instance
    client.stop_instances(InstanceIds=[instance])
    assert described(client, instance)["PublicIpAddress"] == address["PublicIp"]
    client.terminate_instances(InstanceIds=[instance])
    assert "AssociationId" not in {
        key for key, value in client.describe_addresses()["Addresses"][0].items() if value
    }


def test_an_interface_of_ones_own_outlives_the_instance(
    client: Any, launch: Any, refused: Any, subnet: str
) -> None:
    own = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    card = {"DeviceIndex": 0, "NetworkInterfaceId": own}
    (made,) = launch(NetworkInterfaces=[card])
    refused("InvalidParameterValue", launch, NetworkInterfaces=[card])
    refused("InvalidParameterValue", client.delete_network_interface, NetworkInterfaceId=own)
    attachment = client.describe_network_interfaces()["NetworkInterfaces"][0]["Attachment"]["AttachmentId"]
    refused("OperationNotPermitted", client.detach_network_interface, AttachmentId=attachment)
    second = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    attach = {"NetworkInterfaceId": second, "InstanceId": made["InstanceId"]}
    refused("InvalidParameterValue", client.attach_network_interface, DeviceIndex=0, **attach)
    refused("DependencyViolation", client.delete_subnet, SubnetId=subnet)
    client.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert (
        client.describe_network_interfaces(NetworkInterfaceIds=[own])["NetworkInterfaces"][0]["Status"]
        == "available"
    )


def test_attributes(client: Any, launch: Any, refused: Any, vpc: str) -> None:
    (made,) = launch(UserData="#!/bin/sh\n")
    instance = made["InstanceId"]
    group = client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    client.modify_instance_attribute(InstanceId=instance, Groups=[group])
    client.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    shown = described(client, instance)
    assert ([each["GroupId"] for each in shown["SecurityGroups"]], shown["SourceDestCheck"]) == (
        [group],
        False,
    )
    larger = {"InstanceId": instance, "InstanceType": {"Value": "t3.large"}}
    refused("IncorrectInstanceState", client.modify_instance_attribute, **larger)
    client.stop_instances(InstanceIds=[instance])
    client.modify_instance_attribute(**larger)
    asked = client.describe_instance_attribute(InstanceId=instance, Attribute="instanceType")
    assert asked["InstanceType"]["Value"] == "t3.large"
    data = client.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    assert data["UserData"]["Value"] == b64encode(b"#!/bin/sh\n").decode()
    refused("InvalidParameterCombination", client.modify_instance_attribute, InstanceId=instance)


def test_a_launch_is_authorized_on_all_it_uses(
    world: Any, client: Any, launch: Any, subnet: str, vpc: str
) -> None:
    group = client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    client.create_key_pair(KeyName="mine")
    world.cloud.checks.clear()
    launch(
        KeyName="mine",
        SecurityGroupIds=[group],
        MetadataOptions={"HttpTokens": "required"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
    )
    asked = {check.resource.rsplit(":", 1)[1].split("/")[0]: check for check in world.cloud.checks
             if check.action == "ec2:RunInstances"}  # fmt: skip
    assert set(asked) == {
        "image", "instance", "key-pair", "volume", "network-interface", "security-group", "subnet",
    }  # fmt: skip
    keys = asked["instance"].context
    assert keys["ec2:InstanceType"] == "t3.micro"
    assert keys["ec2:MetadataHttpTokens"] == "required"
    assert keys["aws:RequestTag/a"] == "b"
    assert [check.action for check in world.cloud.checks if check.resource.endswith("instance/*")] == [
        "ec2:RunInstances",
        "ec2:CreateTags",
    ]


def test_key_pairs(client: Any, refused: Any) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    made = client.create_key_pair(KeyName="rsa")
    assert load_pem_private_key(made["KeyMaterial"].encode(), None)
    assert len(made["KeyFingerprint"].split(":")) == 20
    refused("InvalidKeyPair.Duplicate", client.create_key_pair, KeyName="rsa")
    small = client.create_key_pair(KeyName="ed", KeyType="ed25519")
    assert load_ssh_private_key(small["KeyMaterial"].encode(), None)
    shown = client.describe_key_pairs(KeyNames=["ed"], IncludePublicKey=True)["KeyPairs"][0]
    imported = client.import_key_pair(KeyName="again", PublicKeyMaterial=shown["PublicKey"].encode())
    assert imported["KeyFingerprint"] == small["KeyFingerprint"]
    refused("InvalidKey.Format", client.import_key_pair, KeyName="bad", PublicKeyMaterial=b"ssh-rsa nothing")
    client.delete_key_pair(KeyName="ed")
    client.delete_key_pair(KeyName="ed")
    refused("InvalidKeyPair.NotFound", client.describe_key_pairs, KeyNames=["ed"])


def test_types_and_their_offerings(client: Any, refused: Any) -> None:
    (micro,) = client.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert (micro["VCpuInfo"]["DefaultVCpus"], micro["MemoryInfo"]["SizeInMiB"]) == (2, 1024)
    refused("InvalidInstanceType", client.describe_instance_types, InstanceTypes=["x9.huge"])
    offered = client.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}]
    )["InstanceTypeOfferings"]
    assert [each["Location"] for each in offered] == ["us-east-2a", "us-east-2b", "us-east-2c"]


def test_pages_of_instances(client: Any, launch: Any) -> None:
    for _ in range(7):
        launch()
    pages = list(client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Reservations"]) for page in pages] == [5, 2]
