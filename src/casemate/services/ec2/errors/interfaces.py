"""Errors about network interfaces and addresses."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.services.ec2.errors.requests import invalid_value


def attachment_missing(attachment_id: str) -> AwsError:
    return AwsError(
        "InvalidAttachmentID.NotFound", f"The attachment with ID '{attachment_id}' does not exist."
    )


def invalid_instance(instance_id: str) -> AwsError:
    """An elastic address for an instance that is going away."""
    return AwsError(
        "IncorrectInstanceState",
        f"The instance '{instance_id}' is not in a valid state for this operation.",
    )


def address_in_use(address: str) -> AwsError:
    return AwsError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def address_outside(address: str) -> AwsError:
    return invalid_value(f"Address {address} does not fall within the subnet's address range")


def no_ipv6_block(subnet_id: str) -> AwsError:
    """An IPv6 address where there is no block to take it from. Code and text are unverified."""
    return invalid_value(f"The subnet {subnet_id} does not have an IPv6 CIDR block associated with it.")


def too_many_ipv6() -> AwsError:
    """The code is that of IPv4 (aws/amazon-vpc-cni-k8s, issue 989); the text is made after its."""
    return AwsError("PrivateIpAddressLimitExceeded", "Number of IPv6 addresses will exceed limit.")


def interface_in_use(interface_id: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"Network interface '{interface_id}' is currently in use.")


def service_attachment() -> AwsError:
    """Detaching what an AWS service attached."""
    return AwsError("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")


def service_interface(interface_id: str) -> AwsError:
    """Editing an interface that an AWS service owns."""
    return AwsError(
        "OperationNotPermitted",
        f"The network interface {interface_id} is managed by an AWS service; you are not allowed to modify it.",
    )


def nat_association() -> AwsError:
    """Releasing or taking away an address that a NAT gateway holds."""
    return AwsError("AuthFailure", "You do not have permission to access the specified resource.")


def address_associated(what: str) -> AwsError:
    return AwsError("Resource.AlreadyAssociated", f"resource {what} is already associated with an address")


def address_missing(public_ip: str) -> AwsError:
    return AwsError("InvalidAddress.NotFound", f"Address '{public_ip}' not found.")
