"""Errors about instances and key pairs."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.services.ec2.errors.requests import combination, invalid_value


def instance_state(instance_id: str, verb: str) -> AwsError:
    """`verb`: started, stopped, rebooted."""
    return AwsError(
        "IncorrectInstanceState",
        f"This instance '{instance_id}' is not in a state from which it can be {verb}.",
    )


def instance_must_be_stopped(instance_id: str, attribute: str) -> AwsError:
    return AwsError(
        "IncorrectInstanceState",
        f"The instance '{instance_id}' is not in the 'stopped' state. (attribute {attribute})",
    )


def instance_protected(instance_id: str, verb: str, attribute: str) -> AwsError:
    """disableApiTermination, disableApiStop."""
    return AwsError(
        "OperationNotPermitted",
        f"The instance '{instance_id}' may not be {verb}. "
        f"Modify its '{attribute}' instance attribute and try again.",
    )


def profile_name() -> AwsError:
    return invalid_value(
        "Value (None) for parameter iamInstanceProfile is invalid. Invalid IAM Instance Profile"
    )


def profile_unknown(name: str, *, arn: bool) -> AwsError:
    """There is no such instance profile in the caller's account."""
    what = "arn" if arn else "name"
    return invalid_value(
        f"Value ({name}) for parameter iamInstanceProfile.{what} is invalid. "
        f"Invalid IAM Instance Profile {'ARN' if arn else 'name'}"
    )


def profile_without_role(name: str) -> AwsError:
    return invalid_value(
        f"Value ({name}) for parameter iamInstanceProfile.name is invalid. "
        "The IAM instance profile has no associated IAM roles"
    )


def profile_associated(instance_id: str) -> AwsError:
    return AwsError("IncorrectState", f"There is an existing association for instance {instance_id}")


def profile_association_missing(association_id: str) -> AwsError:
    return AwsError(
        "InvalidAssociationID.NotFound", f"An invalid association-id of '{association_id}' was given"
    )


def key_pair_exists(name: str) -> AwsError:
    return AwsError("InvalidKeyPair.Duplicate", f"The keypair already exists: {name}")


def key_format() -> AwsError:
    return AwsError("InvalidKey.Format", "Key is not in valid OpenSSH public key format")


def device_index_taken(instance_id: str, index: int) -> AwsError:
    return invalid_value(
        f"Instance '{instance_id}' already has an interface attached at device index '{index}'."
    )


def zones_differ() -> AwsError:
    """The code is AWS's for values that exclude each other; its words are not on record here."""
    return combination(
        "You may not attach a network interface to an instance if they are not in the same availability zone"
    )


def too_many_interfaces(count: int, kind: str) -> AwsError:
    """Code and words as reported in cilium/cilium issue 15877 and chef/knife-ec2 pull request 375."""
    return AwsError("AttachmentLimitExceeded", f"Interface count {count} exceeds the limit for {kind}")


def several_interfaces(instance_id: str) -> AwsError:
    """An operation that names an instance where it means its only interface.

    Code and words as reported in NixOS/nixops-aws issue 55 and hashicorp/terraform-provider-aws issue 7107.
    """
    return AwsError(
        "InvalidInstanceID",
        f"There are multiple interfaces attached to instance '{instance_id}'. "
        "Please specify an interface ID for the operation instead.",
    )


def primary_interface() -> AwsError:
    return AwsError(
        "OperationNotPermitted",
        "The network interface at device index 0 and networkCard index 0 cannot be detached.",
    )
