"""Errors about VPCs, subnets, their blocks and their peering."""

from __future__ import annotations

from casemate.model.errors import AwsError


def vpc_range(cidr: str) -> AwsError:
    """A VPC block outside /16 to /28."""
    return AwsError("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid.")


def cidr_conflict(cidr: str) -> AwsError:
    """AssociateVpcCidrBlock with an overlapping block."""
    return AwsError("CidrConflict", f"The CIDR '{cidr}' conflicts with another CIDR of the VPC")


def subnet_range(cidr: str) -> AwsError:
    """A subnet block outside its VPC, or outside /16 to /28."""
    return AwsError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")


def subnet_ipv6_range(cidr: str) -> AwsError:
    """An IPv6 block outside its VPC's, or none of /44 to /64 in steps of 4.

    Text as reported in hashicorp/terraform-provider-aws issue 31913.
    """
    return AwsError("InvalidSubnet.Range", f"The IPv6 CIDR '{cidr}' is invalid.")


def subnet_conflict(cidr: str) -> AwsError:
    return AwsError("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")


def cidr_association_missing(association_id: str) -> AwsError:
    return AwsError(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block association ID '{association_id}' does not exist",
    )


def subnet_full(subnet_id: str) -> AwsError:
    return AwsError(
        "InsufficientFreeAddressesInSubnet",
        f"The specified subnet '{subnet_id}' does not have enough free addresses to satisfy the request.",
    )


def default_vpc_exists() -> AwsError:
    return AwsError(
        "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region."
    )


def primary_cidr(association_id: str) -> AwsError:
    """The primary block stays as long as the VPC."""
    return AwsError(
        "OperationNotPermitted",
        f"The vpc CIDR block with association ID {association_id} may not be disassociated. "
        "It is the primary IPv4 CIDR block of the VPC",
    )


def cidr_in_use(owner: str, cidr: str) -> AwsError:
    """DisassociateVpcCidrBlock while a subnet lies inside the block."""
    return AwsError(
        "InvalidCidrBlock.InUse", f"The vpc {owner} currently has a subnet within CIDR block {cidr}"
    )


def cidr_limit(vpc_id: str, allowed: int) -> AwsError:
    return AwsError(
        "CidrLimitExceeded", f"This network '{vpc_id}' has met its maximum number of allowed CIDRs: {allowed}"
    )


def cidr_restricted(cidr: str) -> AwsError:
    """A secondary block that AWS keeps apart from the primary one."""
    return AwsError(
        "InvalidVpc.Range",
        f"The CIDR '{cidr}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, "
        "or use a publicly-routable CIDR. For additional restrictions, see "
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Subnets.html",
    )


def default_vpc_missing() -> AwsError:
    return AwsError("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")


def default_subnet_exists(subnet_id: str) -> AwsError:
    return AwsError(
        "DefaultSubnetAlreadyExistsInAvailabilityZone",
        f"'{subnet_id}' is already the default subnet in this availability zone.",
    )


def subnet_association_missing(association_id: str) -> AwsError:
    return AwsError(
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        f"The subnet CIDR block association ID '{association_id}' does not exist",
    )


def no_default_vpc() -> AwsError:
    """An operation that falls back on the default VPC where there is none."""
    return AwsError("VPCIdNotSpecified", "No default VPC for this user")


def peering_state(peering_id: str, status: str) -> AwsError:
    return AwsError(
        "InvalidStateTransition",
        f"Invalid state transition for {peering_id}, attempted to transition from {status}",
    )


def peering_exists(peering_id: str) -> AwsError:
    return AwsError("VpcPeeringConnectionAlreadyExists", f"The VPCs are already connected by {peering_id}")


def peering_not_yours(peering_id: str, account: str) -> AwsError:
    return AwsError(
        "OperationNotPermitted", f"User {account} cannot perform this operation on peering {peering_id}"
    )
