"""Errors about security groups and network ACLs."""

from __future__ import annotations

from casemate.model.errors import AwsError


def group_duplicate(name: str, vpc_id: str) -> AwsError:
    return AwsError(
        "InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc_id}'"
    )


def group_in_use(group_id: str) -> AwsError:
    return AwsError("DependencyViolation", f"resource {group_id} has a dependent object")


def default_group(group_id: str) -> AwsError:
    return AwsError(
        "CannotDelete", f'the specified group: "{group_id}" name: "default" cannot be deleted by a user'
    )


def rule_duplicate(description: str) -> AwsError:
    return AwsError("InvalidPermission.Duplicate", f'the specified rule "{description}" already exists')


def rule_missing() -> AwsError:
    return AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")


def acl_entry_exists(number: int) -> AwsError:
    return AwsError(
        "NetworkAclEntryAlreadyExists", f"The network acl entry identified by {number} already exists."
    )


def acl_entry_missing(number: int) -> AwsError:
    return AwsError(
        "InvalidNetworkAclEntry.NotFound", f"The network acl entry identified by {number} does not exist."
    )


def foreign_group() -> AwsError:
    """A rule that names a security group of a VPC that is not peered."""
    return AwsError(
        "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."
    )


def reserved_group_name() -> AwsError:
    return AwsError("InvalidGroup.Reserved", "Cannot use reserved security group name: default")
