"""Errors about VPC endpoints."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.services.ec2.errors.requests import invalid_parameter


def service_name(name: str) -> AwsError:
    """An endpoint service that this Region does not have."""
    return AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")


def policy_document(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"The specified policy document is not valid: {message}")


def zone_taken(subnet_id: str) -> AwsError:
    """Two subnets of an interface endpoint in one zone."""
    return AwsError(
        "DuplicateSubnetsInSameZone",
        f"Found another VPC endpoint subnet in the availability zone of {subnet_id}.",
    )


def private_dns_needs_attributes(vpc_id: str) -> AwsError:
    return invalid_parameter(
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
        f"for {vpc_id}"
    )


def no_private_dns(service: str) -> AwsError:
    return invalid_parameter(
        f"Private DNS can't be enabled because the service {service} does not provide a private DNS name."
    )


def private_dns_conflict(name: str, vpc_id: str) -> AwsError:
    """A second interface endpoint with private DNS for one service."""
    return invalid_parameter(
        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
        f"{name} in the VPC {vpc_id}"
    )


def endpoint_type(asked: str, available: list[str]) -> AwsError:
    return invalid_parameter(
        f"Endpoint type ({asked}) does not match available service types ([{', '.join(available)}])."
    )
