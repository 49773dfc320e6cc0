"""Security groups. Sources: EC2 API reference; VPC User Guide, "Security groups" and "Amazon VPC quotas"."""

from __future__ import annotations

from typing import Any

import pytest

LIST = "pl-4ca54025"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@pytest.fixture
def group(client: Any, vpc: str) -> str:
    return client.create_security_group(VpcId=vpc, GroupName="orders", Description="of orders")["GroupId"]


def shown(client: Any, group: str) -> Any:
    return client.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]


def test_a_new_group_lets_everything_out_and_nothing_in(client: Any, group: str) -> None:
    described = shown(client, group)
    assert described["IpPermissions"] == []
    assert described["IpPermissionsEgress"] == [
        {
            "IpProtocol": "-1",
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [],
        }
    ]


def test_the_reference_egress(client: Any, world: Any, vpc: str, group: str) -> None:
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    client.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    wanted = [{**HTTPS, "PrefixListIds": [{"PrefixListId": LIST, "Description": "DynamoDB"}]}]
    (rule,) = client.authorize_security_group_egress(GroupId=group, IpPermissions=wanted)[
        "SecurityGroupRules"
    ]
    assert (rule["IsEgress"], rule["PrefixListId"], rule["FromPort"]) == (True, LIST, 443)
    (projected,) = world.ec2.network.snapshot().vpcs[vpc].groups[group].rules
    assert (projected.protocol, projected.ports.first, projected.peer.prefix_list_id) == (6, 443, LIST)
    assert projected.rule_id == rule["SecurityGroupRuleId"]


def test_duplicates(client: Any, refused: Any, group: str) -> None:
    wanted = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    client.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)
    message = refused(
        "InvalidPermission.Duplicate",
        client.authorize_security_group_ingress,
        GroupId=group,
        IpPermissions=wanted,
    )
    assert message == (
        'the specified rule "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" already exists'
    )
    twice = [{**HTTPS, "FromPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}] * 2}]
    refused(
        "InvalidParameterValue", client.authorize_security_group_ingress, GroupId=group, IpPermissions=twice
    )


def test_rules_of_one_span_are_one_permission(client: Any, group: str) -> None:
    ranges = [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "192.168.0.0/16", "Description": "office"}]
    pairs = [{"GroupId": group}]
    wanted = [{**HTTPS, "IpProtocol": "6", "IpRanges": ranges, "UserIdGroupPairs": pairs}]
    made = client.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)["SecurityGroupRules"]
    assert len({rule["SecurityGroupRuleId"] for rule in made}) == 3
    (permission,) = shown(client, group)["IpPermissions"]
    assert permission == {
        **HTTPS,
        "IpRanges": ranges,
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [{"GroupId": group, "UserId": "000000000000"}],
    }


@pytest.mark.parametrize(
    ("permission", "code", "message"),
    [
        (
            {"IpProtocol": "xyz"},
            "InvalidParameterValue",
            "Invalid value 'xyz' for IP protocol. Unknown protocol.",
        ),
        (
            {**HTTPS, "FromPort": 443, "ToPort": 80},
            "InvalidParameterValue",
            "Invalid TCP/UDP port range (443:80)",
        ),
        (
            {**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.1/33"}]},
            "InvalidParameterValue",
            "CIDR block 10.0.0.1/33 is malformed",
        ),
        (
            {**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.1"}]},
            "InvalidParameterValue",
            "CIDR block 10.0.0.1 is malformed",
        ),
        (
            {**HTTPS, "IpRanges": [], "PrefixListIds": [{"PrefixListId": "pl-02cd2c6b"}]},
            "InvalidPrefixListID.NotFound",
            "The prefix list ID 'pl-02cd2c6b' does not exist",
        ),
        (
            {**HTTPS, "IpRanges": [], "UserIdGroupPairs": [{"GroupId": "sg-0123"}]},
            "InvalidGroup.NotFound",
            "The security group 'sg-0123' does not exist",
        ),
        ({"IpProtocol": "tcp"}, "MissingParameter", None),
        ({**HTTPS, "IpRanges": []}, "MissingParameter", None),
        ({"IpProtocol": "icmp", "FromPort": 300, "ToPort": -1}, "InvalidParameterValue", None),
    ],
)
def test_authorize_refuses(
    client: Any, refused: Any, group: str, permission: dict[str, Any], code: str, message: str | None
) -> None:
    wanted = [{"IpRanges": [{"CidrIp": "10.0.0.0/8"}], **permission}]
    told = refused(code, client.authorize_security_group_ingress, GroupId=group, IpPermissions=wanted)
    assert message is None or told == message
    assert shown(client, group)["IpPermissions"] == []


def test_a_group_of_another_network_cannot_be_named(client: Any, refused: Any, group: str) -> None:
    other = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = client.create_security_group(VpcId=other, GroupName="x", Description="d")["GroupId"]
    wanted = [{**HTTPS, "UserIdGroupPairs": [{"GroupId": foreign}]}]
    refused(
        "InvalidGroup.NotFound", client.authorize_security_group_ingress, GroupId=group, IpPermissions=wanted
    )


def test_revoke(client: Any, refused: Any, group: str) -> None:
    wanted = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    (rule,) = client.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)[
        "SecurityGroupRules"
    ]
    other = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/9"}]}]
    refused(
        "InvalidPermission.NotFound", client.revoke_security_group_ingress, GroupId=group, IpPermissions=other
    )
    ids = [rule["SecurityGroupRuleId"]]
    gone = client.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)
    assert [each["SecurityGroupRuleId"] for each in gone["RevokedSecurityGroupRules"]] == ids
    refused(
        "InvalidSecurityGroupRuleId.NotFound",
        client.revoke_security_group_ingress,
        GroupId=group,
        SecurityGroupRuleIds=ids,
    )


def test_revoke_in_the_default_vpc_tells_what_was_not_there(client: Any) -> None:
    group = client.create_security_group(GroupName="in-default", Description="d")["GroupId"]
    wanted = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    told = client.revoke_security_group_ingress(GroupName="in-default", IpPermissions=wanted)
    assert told["UnknownIpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]
    client.delete_security_group(GroupId=group)


def test_the_flat_parameters(client: Any, group: str) -> None:
    client.authorize_security_group_ingress(GroupId=group, CidrIp="10.0.0.0/8", **HTTPS)
    assert shown(client, group)["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]


def test_rules_by_id(client: Any, refused: Any, group: str) -> None:
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "why", "Value": "demo"}]}]
    wanted = [{**HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    made = client.authorize_security_group_ingress(
        GroupId=group, IpPermissions=wanted, TagSpecifications=tags
    )
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    by_group = [{"Name": "group-id", "Values": [group]}]
    described = client.describe_security_group_rules(Filters=by_group)["SecurityGroupRules"]
    assert {each["IsEgress"] for each in described} == {True, False}
    assert next(each for each in described if not each["IsEgress"])["Tags"] == [
        {"Key": "why", "Value": "demo"}
    ]
    update = {
        "IpProtocol": "tcp",
        "FromPort": 8443,
        "ToPort": 8443,
        "CidrIpv4": "10.0.0.0/8",
        "Description": "new",
    }
    changes = [{"SecurityGroupRuleId": rule, "SecurityGroupRule": update}]
    client.modify_security_group_rules(GroupId=group, SecurityGroupRules=changes)
    (after,) = client.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert (after["FromPort"], after["Description"]) == (8443, "new")
    descriptions = [{"SecurityGroupRuleId": rule, "Description": "newer"}]
    client.update_security_group_rule_descriptions_ingress(
        GroupId=group, SecurityGroupRuleDescriptions=descriptions
    )
    (after,) = client.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert after["Description"] == "newer"
    missing = [{**changes[0], "SecurityGroupRuleId": "sgr-0123"}]
    refused(
        "InvalidSecurityGroupRuleId.NotFound",
        client.modify_security_group_rules,
        GroupId=group,
        SecurityGroupRules=missing,
    )


def test_sixty_rules_and_a_prefix_list_counts_as_its_maximum(client: Any, refused: Any, group: str) -> None:
    many = [{**HTTPS, "IpRanges": [{"CidrIp": f"10.0.{each}.0/24"} for each in range(50)]}]
    client.authorize_security_group_ingress(GroupId=group, IpPermissions=many)
    own = client.create_managed_prefix_list(PrefixListName="own", AddressFamily="IPv4", MaxEntries=11)[
        "PrefixList"
    ]
    wanted = [{**HTTPS, "PrefixListIds": [{"PrefixListId": own["PrefixListId"]}]}]
    refused(
        "RulesPerSecurityGroupLimitExceeded",
        client.authorize_security_group_ingress,
        GroupId=group,
        IpPermissions=wanted,
    )
    client.modify_managed_prefix_list(PrefixListId=own["PrefixListId"], MaxEntries=10)
    client.authorize_security_group_ingress(GroupId=group, IpPermissions=wanted)
    refused(
        "RulesPerSecurityGroupLimitExceeded",
        client.modify_managed_prefix_list,
        PrefixListId=own["PrefixListId"],
        MaxEntries=11,
    )


def test_names(client: Any, refused: Any, vpc: str, group: str) -> None:
    params = {"VpcId": vpc, "Description": "d"}
    message = refused("InvalidGroup.Duplicate", client.create_security_group, GroupName="orders", **params)
    assert message == f"The security group 'orders' already exists for VPC '{vpc}'"
    refused("InvalidGroup.Reserved", client.create_security_group, GroupName="default", **params)
    refused("InvalidParameterValue", client.create_security_group, GroupName="sg-mine", **params)
    refused("InvalidParameterValue", client.create_security_group, GroupName="naïve", **params)


def test_delete(client: Any, refused: Any, vpc: str, subnet: str, group: str) -> None:
    default = client.get_security_groups_for_vpc(VpcId=vpc)["SecurityGroupForVpcs"][0]["GroupId"]
    refused("CannotDelete", client.delete_security_group, GroupId=default)
    eni = client.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"][
        "NetworkInterfaceId"
    ]
    message = refused("DependencyViolation", client.delete_security_group, GroupId=group)
    assert message == f"resource {group} has a dependent object"
    client.delete_network_interface(NetworkInterfaceId=eni)
    wanted = [{**HTTPS, "UserIdGroupPairs": [{"GroupId": group}]}]
    client.authorize_security_group_ingress(GroupId=default, IpPermissions=wanted)
    refused("DependencyViolation", client.delete_security_group, GroupId=group)
    client.revoke_security_group_ingress(GroupId=default, IpPermissions=wanted)
    client.delete_security_group(GroupId=group)
    refused("InvalidGroup.NotFound", client.describe_security_groups, GroupIds=[group])
    refused("InvalidGroupId.Malformed", client.describe_security_groups, GroupIds=["orders"])
