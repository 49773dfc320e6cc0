"""The errors of Organizations: codes, reasons and sentences of botocore's model."""

from __future__ import annotations

from collections.abc import Mapping

from casemate.model.errors import AwsError
from casemate.servicekit.constraints import Limit, Violation

_SENTENCES: Mapping[str, str] = {
    "AWSOrganizationsNotInUseException": "Your account is not a member of an organization.",
    "AccessDeniedException": "You don't have permissions to access this resource.",
    "AccountNotFoundException": "You specified an account that doesn't exist.",
    "AlreadyInOrganizationException": "The AWS account is already a member of an organization.",
    "ChildNotFoundException": "You specified a child that doesn't exist.",
    "CreateAccountStatusNotFoundException": "You specified a create account request that doesn't exist.",
    "DestinationParentNotFoundException": "You specified a destination parent that doesn't exist.",
    "DuplicateAccountException": "That account is already present in the specified destination.",
    "DuplicateOrganizationalUnitException": "An OU with the same name already exists.",
    "DuplicatePolicyAttachmentException": "The selected policy is already attached to the specified target.",
    "DuplicatePolicyException": "A policy with the same name already exists.",
    "MalformedPolicyDocumentException": (
        "The provided policy document does not meet the requirements of the specified policy type."
    ),
    "OrganizationalUnitNotEmptyException": (
        "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, "
        "and try the operation again."
    ),
    "OrganizationalUnitNotFoundException": "You specified an organizational unit that doesn't exist.",
    "ParentNotFoundException": "You specified a parent that doesn't exist.",
    "PolicyInUseException": (
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts "
        "before performing this operation."
    ),
    "PolicyNotAttachedException": "The policy isn't attached to the specified target in the specified root.",
    "PolicyNotFoundException": "You specified a policy that doesn't exist.",
    "PolicyTypeAlreadyEnabledException": "The specified policy type is already enabled in the specified root.",
    "PolicyTypeNotAvailableForOrganizationException": (
        "You can't use the specified policy type with the feature set currently enabled for this organization."
    ),
    "PolicyTypeNotEnabledException": "This operation can be performed only for enabled policy types.",
    "RootNotFoundException": "You specified a root that doesn't exist.",
    "SourceParentNotFoundException": "You specified a source parent that doesn't exist.",
    "TargetNotFoundException": "You specified a target that doesn't exist.",
}

_CONSTRAINTS: Mapping[str, str] = {
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": (
        "You have attached the maximum number of policies of the specified type to the target."
    ),
    "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": (
        "You cannot remove the last policy attached to the specified target. You must have at least one attached "
        "at all times."
    ),
    "MAX_TAG_LIMIT_EXCEEDED": "You have exceeded the number of tags allowed on this resource.",
    "OU_DEPTH_LIMIT_EXCEEDED": "You attempted to create an OU tree that is too many levels deep.",
    "OU_NUMBER_LIMIT_EXCEEDED": (
        "You attempted to exceed the number of OUs that you can have in an organization."
    ),
    "POLICY_CONTENT_LIMIT_EXCEEDED": "You have exceeded the maximum policy size.",
    "POLICY_NUMBER_LIMIT_EXCEEDED": (
        "You attempted to exceed the number of policies that you can have in an organization."
    ),
}

_INPUTS: Mapping[str, str] = {
    "DUPLICATE_TAG_KEY": "Tag keys must be unique among the tags attached to the same entity.",
    "IMMUTABLE_POLICY": "You specified a policy that is managed by AWS and can't be modified.",
    "INVALID_ENUM": "You specified an invalid value.",
    "INVALID_ENUM_POLICY_TYPE": "You specified an invalid policy type string.",
    "INVALID_NEXT_TOKEN": (
        "Get the value for the NextToken parameter from the response to a previous call of the operation."
    ),
    "INVALID_PATTERN": "You provided a value that does not match the required pattern.",
    "INVALID_PATTERN_TARGET_ID": "You specified a policy target ID that doesn't match the required pattern.",
    "INVALID_SYNTAX_POLICY_ID": "You specified an invalid policy ID.",
    "INVALID_ROLE_NAME": (
        "You provided a role name that isn't valid. A role name can't begin with the reserved prefix "
        "AWSServiceRoleFor."
    ),
    "INVALID_SYSTEM_TAGS_PARAMETER": "You specified a tag key that is a system tag.",
    "MAX_LENGTH_EXCEEDED": "You provided a string parameter that is longer than allowed.",
    "MAX_VALUE_EXCEEDED": "You provided a numeric parameter that has a larger value than allowed.",
    "MIN_LENGTH_EXCEEDED": "You provided a string parameter that is shorter than allowed.",
    "MIN_VALUE_EXCEEDED": "You provided a numeric parameter that has a smaller value than allowed.",
    "NON_DETACHABLE_POLICY": "You can't detach this AWS Managed Policy.",
    "UNRECOGNIZED_SERVICE_PRINCIPAL": "You specified an unrecognized service principal.",
    "TARGET_NOT_SUPPORTED": "You can't perform the specified operation on that target entity.",
}

_REASONS: Mapping[Limit, str] = {
    "minLength": "MIN_LENGTH_EXCEEDED",
    "maxLength": "MAX_LENGTH_EXCEEDED",
    "minValue": "MIN_VALUE_EXCEEDED",
    "maxValue": "MAX_VALUE_EXCEEDED",
    "pattern": "INVALID_PATTERN",
    "enum": "INVALID_ENUM",
}
_SHAPES: Mapping[tuple[str, Limit], str] = {
    ("PolicyType", "enum"): "INVALID_ENUM_POLICY_TYPE",
    ("PolicyTargetId", "pattern"): "INVALID_PATTERN_TARGET_ID",
    ("PolicyId", "pattern"): "INVALID_SYNTAX_POLICY_ID",
}


def refusal(name: str, message: str | None = None) -> AwsError:
    """The modelled exception of that name, with its sentence."""
    return AwsError(name, message or _SENTENCES[name])


def constraint_violation(reason: str) -> AwsError:
    """ConstraintViolationException for that reason."""
    return AwsError("ConstraintViolationException", _CONSTRAINTS[reason], fields={"Reason": reason})


def invalid_input(reason: str) -> AwsError:
    """InvalidInputException for that reason."""
    return AwsError("InvalidInputException", _INPUTS[reason], fields={"Reason": reason})


def out_of_bounds(violations: list[Violation]) -> AwsError:
    """What Organizations says of input that its model forbids: the first thing that is wrong."""
    first = violations[0]
    return invalid_input(_SHAPES.get((first.shape, first.limit)) or _REASONS[first.limit])
