"""Records as the shapes of IAM's responses."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Output
from casemate.services.iam.documents import encoded
from casemate.services.iam.policies import ManagedPolicy, PolicyVersion
from casemate.services.iam.state import AccessKey, Group, IamState, InstanceProfile, LastUse, Role, User


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _boundary(arn: str | None) -> Output | None:
    return None if arn is None else {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def user_shape(user: User) -> dict[str, Any]:
    """As the list operations give it: without tags and boundary (API Reference, ListUsers)."""
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.created,
    }


def full_user_shape(user: User) -> dict[str, Any]:
    """As GetUser and CreateUser give it."""
    shape = user_shape(user)
    if user.tags:
        shape["Tags"] = tag_list(user.tags)
    if user.boundary:
        shape["PermissionsBoundary"] = _boundary(user.boundary)
    return shape


def group_shape(group: Group) -> Output:
    """A group."""
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn,
        "CreateDate": group.created,
    }


def role_shape(role: Role) -> dict[str, Any]:
    """As the list operations give it: without tags, boundary and last use (API Reference, ListRoles)."""
    shape: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": encoded(role.trust),
        "MaxSessionDuration": role.max_session_seconds,
    }
    if role.description is not None:
        shape["Description"] = role.description
    return shape


def full_role_shape(role: Role) -> dict[str, Any]:
    """As GetRole and CreateRole give it."""
    shape = role_shape(role)
    if role.tags:
        shape["Tags"] = tag_list(role.tags)
    if role.boundary:
        shape["PermissionsBoundary"] = _boundary(role.boundary)
    return shape


def role_use_shape(use: LastUse | None) -> Output:
    """RoleLastUsed: empty for a role that was not used within the tracking period (API Reference, RoleLastUsed)."""
    return {} if use is None else {"LastUsedDate": use.at, "Region": use.region}


def key_use_shape(use: LastUse | None) -> Output:
    """AccessKeyLastUsed: "N/A" for a key that was not used (API Reference, AccessKeyLastUsed)."""
    if use is None:
        return {"ServiceName": "N/A", "Region": "N/A"}
    return {"LastUsedDate": use.at, "ServiceName": use.service, "Region": use.region}


def profile_shape(state: IamState, profile: InstanceProfile) -> dict[str, Any]:
    """An instance profile with its role."""
    role = state.roles.get(profile.account, profile.role.lower()) if profile.role else None
    shape: dict[str, Any] = {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": profile.created,
        "Roles": [role_shape(role)] if role else [],
    }
    if profile.tags:
        shape["Tags"] = tag_list(profile.tags)
    return shape


def key_shape(key: AccessKey, user_name: str | None) -> dict[str, Any]:
    """An access key without its secret."""
    shape: dict[str, Any] = {
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created,
    }
    if user_name is not None:
        shape["UserName"] = user_name
    return shape


def policy_shape(policy: ManagedPolicy, *, attachments: int, boundaries: int) -> dict[str, Any]:
    """As ListPolicies gives it: without description and tags."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
    }


def version_shape(policy: ManagedPolicy, version: PolicyVersion, *, document: bool = False) -> dict[str, Any]:
    """A version, with its document where the operation gives it."""
    shape: dict[str, Any] = {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default,
        "CreateDate": version.created,
    }
    if document:
        shape["Document"] = encoded(version.document)
    return shape
