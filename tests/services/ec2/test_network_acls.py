"""Network ACLs. Sources: EC2 API reference, CreateNetworkAclEntry; VPC User Guide, "Network ACLs"."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def acl(client: Any, vpc: str) -> str:
    return client.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]


def allow(acl: str, **params: Any) -> dict[str, Any]:
    base = {"NetworkAclId": acl, "RuleNumber": 100, "Protocol": "tcp", "RuleAction": "allow", "Egress": False}
    return {**base, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 443, "To": 443}, **params}


def test_a_new_acl_denies_everything(client: Any, acl: str) -> None:
    (shown,) = client.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert [(each["RuleNumber"], each["RuleAction"]) for each in shown["Entries"]] == [(32767, "deny")] * 2
    assert not shown["IsDefault"]


def test_entries(client: Any, refused: Any, world: Any, vpc: str, acl: str) -> None:
    client.create_network_acl_entry(**allow(acl))
    message = refused("NetworkAclEntryAlreadyExists", client.create_network_acl_entry, **allow(acl))
    assert message == "The network acl entry identified by 100 already exists."
    client.replace_network_acl_entry(**allow(acl, RuleAction="deny"))
    client.create_network_acl_entry(
        **allow(acl, RuleNumber=50, Protocol="icmp", IcmpTypeCode={"Type": 8, "Code": -1})
    )
    entries = world.ec2.network.snapshot().vpcs[vpc].acls[acl].entries
    assert [(each.number, each.egress, each.allow) for each in entries] == [
        (50, False, True),
        (100, False, False),
        (32767, False, False),
        (32767, True, False),
    ]
    assert (entries[0].icmp.type, entries[1].ports.first) == (8, 443)
    client.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    gone = {"NetworkAclId": acl, "RuleNumber": 100, "Egress": False}
    refused("InvalidNetworkAclEntry.NotFound", client.delete_network_acl_entry, **gone)
    refused("InvalidNetworkAclEntry.NotFound", client.replace_network_acl_entry, **allow(acl))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"RuleNumber": 32767}, "InvalidParameterValue"),
        ({"Protocol": "xyz"}, "InvalidParameterValue"),
        ({"PortRange": {"From": 443, "To": 80}}, "InvalidParameterValue"),
        ({"PortRange": {}}, "MissingParameter"),
        ({"Protocol": "icmp"}, "MissingParameter"),
        ({"CidrBlock": "0.0.0.0"}, "InvalidParameterValue"),
        ({"CidrBlock": ""}, "MissingParameter"),
        ({"RuleAction": "permit"}, "InvalidParameterValue"),
        ({"NetworkAclId": "acl-0123"}, "InvalidNetworkAclID.NotFound"),
    ],
)
def test_entries_refused(client: Any, refused: Any, acl: str, params: dict[str, Any], code: str) -> None:
    refused(code, client.create_network_acl_entry, **allow(acl, **params))


def test_twenty_entries_for_each_direction(client: Any, refused: Any, acl: str) -> None:
    for number in range(1, 21):
        client.create_network_acl_entry(**allow(acl, RuleNumber=number))
    refused("NetworkAclEntryLimitExceeded", client.create_network_acl_entry, **allow(acl, RuleNumber=21))
    client.create_network_acl_entry(**allow(acl, RuleNumber=21, Egress=True))


def test_associations(client: Any, refused: Any, world: Any, vpc: str, subnet: str, acl: str) -> None:
    (default,) = client.describe_network_acls(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
    )["NetworkAcls"]
    assert default["IsDefault"]
    association = default["Associations"][0]["NetworkAclAssociationId"]
    moved = client.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)
    assert world.ec2.network.snapshot().vpcs[vpc].subnets[subnet].acl_id == acl
    message = refused("DependencyViolation", client.delete_network_acl, NetworkAclId=acl)
    assert message == f"The networkAcl '{acl}' has dependencies and cannot be deleted."
    refused(
        "InvalidAssociationID.NotFound",
        client.replace_network_acl_association,
        AssociationId=association,
        NetworkAclId=acl,
    )
    client.replace_network_acl_association(
        AssociationId=moved["NewAssociationId"], NetworkAclId=default["NetworkAclId"]
    )
    client.delete_network_acl(NetworkAclId=acl)
    refused("InvalidParameterValue", client.delete_network_acl, NetworkAclId=default["NetworkAclId"])
