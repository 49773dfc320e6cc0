"""Every EC2 error this slice raises, with AWS's code and message.

Source: Amazon EC2 API Reference, "Error codes for the Amazon EC2 API"; the wording of messages is that of AWS's
responses as quoted in the issue trackers of Terraform's AWS provider, the AWS CLI and the CDK.
"""

from __future__ import annotations

from dataclasses import dataclass

from casemate.model.errors import AwsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Noun:
    """How AWS speaks of one kind of resource when it is not there."""

    prefix: str
    code: str
    """Of which `.NotFound` and `.Malformed` are made."""
    text: str
    """With `{}` for the id."""
    label: str = ""
    """`vpc` in "The vpc 'vpc-1' has dependencies and cannot be deleted."."""
    code_missing: str = ""
    """When it is not `<code>.NotFound`."""

    def missing(self, resource_id: str) -> AwsError:
        """The resource does not exist, or is somebody else's."""
        return AwsError(self.code_missing or f"{self.code}.NotFound", self.text.format(resource_id))

    def malformed(self, resource_id: str) -> AwsError:
        """The text cannot be an id of this kind."""
        return AwsError(
            f"{self.code}.Malformed", f'Invalid id: "{resource_id}" (expecting "{self.prefix}...")'
        )

    def in_use(self, resource_id: str) -> AwsError:
        """Something still depends on it."""
        return AwsError(
            "DependencyViolation", f"The {self.label} '{resource_id}' has dependencies and cannot be deleted."
        )


VPC = Noun(prefix="vpc-", code="InvalidVpcID", text="The vpc ID '{}' does not exist", label="vpc")
SUBNET = Noun(
    prefix="subnet-", code="InvalidSubnetID", text="The subnet ID '{}' does not exist", label="subnet"
)
ROUTE_TABLE = Noun(
    prefix="rtb-",
    code="InvalidRouteTableID",
    text="The routeTable ID '{}' does not exist",
    label="routeTable",
)
INTERNET_GATEWAY = Noun(
    prefix="igw-",
    code="InvalidInternetGatewayID",
    text="The internetGateway ID '{}' does not exist",
    label="internetGateway",
)
EGRESS_GATEWAY = Noun(
    prefix="eigw-",
    code="InvalidGatewayID",
    text="The eigw ID '{}' does not exist",
    label="egressOnlyInternetGateway",
)
NAT_GATEWAY = Noun(
    prefix="nat-",
    code="InvalidNatGatewayID",
    code_missing="NatGatewayNotFound",
    text="NAT gateway {} was not found",
)
ALLOCATION = Noun(
    prefix="eipalloc-", code="InvalidAllocationID", text="The allocation ID '{}' does not exist"
)
INTERFACE = Noun(
    prefix="eni-",
    code="InvalidNetworkInterfaceID",
    text="The networkInterface ID '{}' does not exist",
    label="networkInterface",
)
GROUP = Noun(
    prefix="sg-",
    code="InvalidGroupId",
    code_missing="InvalidGroup.NotFound",
    text="The security group '{}' does not exist",
)
GROUP_RULE = Noun(
    prefix="sgr-", code="InvalidSecurityGroupRuleId", text="The security group rule ID '{}' does not exist"
)
NETWORK_ACL = Noun(
    prefix="acl-",
    code="InvalidNetworkAclID",
    text="The networkAcl ID '{}' does not exist",
    label="networkAcl",
)
ENDPOINT = Noun(prefix="vpce-", code="InvalidVpcEndpointId", text="The Vpc Endpoint Id '{}' does not exist")
DHCP_OPTIONS = Noun(
    prefix="dopt-",
    code="InvalidDhcpOptionID",
    text="The dhcpOption ID '{}' does not exist",
    label="dhcpOptions",
)
PREFIX_LIST = Noun(prefix="pl-", code="InvalidPrefixListID", text="The prefix list ID '{}' does not exist")
PEERING = Noun(
    prefix="pcx-",
    code="InvalidVpcPeeringConnectionID",
    text="The vpcPeeringConnection ID '{}' does not exist",
)
FLOW_LOG = Noun(
    prefix="fl-",
    code="InvalidFlowLogId",
    text="These flow log ids in the input list are not found: [TotalCount: 1] {}",
)


def dry_run() -> AwsError:
    """The caller may do it; nothing was done."""
    return AwsError(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", http_status=412
    )


def missing_parameter(name: str) -> AwsError:
    return AwsError("MissingParameter", f"The request must contain the parameter {name}")


def invalid_value(message: str) -> AwsError:
    """InvalidParameterValue with the operation's own wording."""
    return AwsError("InvalidParameterValue", message)


def bad_value(value: object, parameter: str, why: str) -> AwsError:
    """InvalidParameterValue in AWS's usual form."""
    return invalid_value(f"Value ({value}) for parameter {parameter} is invalid. {why}")


def invalid_parameter(message: str) -> AwsError:
    return AwsError("InvalidParameter", message)


def combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def unknown_filter(name: str) -> AwsError:
    return invalid_value(f"The filter '{name}' is invalid")


def invalid_next_token() -> AwsError:
    return AwsError("InvalidNextToken", "The specified token is not valid.")


def token_mismatch(token: str) -> AwsError:
    """A client token used again with other parameters."""
    return AwsError(
        "IdempotentParameterMismatch",
        f"The client token {token} has already been used with different parameters. "
        "Use a different token or identical parameters.",
    )


def not_a_cidr(value: str, parameter: str = "cidrBlock") -> AwsError:
    return bad_value(value, parameter, "This is not a valid CIDR block.")


def vpc_range(cidr: str) -> AwsError:
    """A VPC block outside /16 to /28."""
    return AwsError("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid.")


def cidr_conflict(cidr: str) -> AwsError:
    """AssociateVpcCidrBlock with an overlapping block."""
    return AwsError("CidrConflict", f"The CIDR '{cidr}' conflicts with another CIDR of the VPC")


def subnet_range(cidr: str) -> AwsError:
    """A subnet block outside its VPC, or outside /16 to /28."""
    return AwsError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")


def subnet_conflict(cidr: str) -> AwsError:
    return AwsError("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")


def cidr_association_missing(association_id: str) -> AwsError:
    return AwsError(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block association ID '{association_id}' does not exist",
    )


def association_missing(association_id: str) -> AwsError:
    return AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


def attachment_missing(attachment_id: str) -> AwsError:
    return AwsError(
        "InvalidAttachmentID.NotFound", f"The attachment with ID '{attachment_id}' does not exist."
    )


def instance_missing(instance_id: str) -> AwsError:
    return AwsError("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")


def already_associated(table_id: str, resource_id: str) -> AwsError:
    """AssociateRouteTable for a subnet or gateway that has a table already."""
    return AwsError(
        "Resource.AlreadyAssociated",
        f"the specified association for route table {table_id} conflicts with an existing association of {resource_id}",
    )


def gateway_already_attached(gateway_id: str, vpc_id: str) -> AwsError:
    return AwsError(
        "Resource.AlreadyAssociated", f"resource {gateway_id} is already attached to network {vpc_id}"
    )


def vpc_has_gateway(vpc_id: str) -> AwsError:
    return invalid_value(f"Network {vpc_id} already has an internet gateway attached")


def gateway_not_attached(gateway_id: str, vpc_id: str) -> AwsError:
    return AwsError("Gateway.NotAttached", f"resource {gateway_id} is not attached to network {vpc_id}")


def mapped_addresses(vpc_id: str) -> AwsError:
    """DetachInternetGateway while elastic addresses are in use."""
    return AwsError(
        "DependencyViolation",
        f"Network {vpc_id} has some mapped public address(es). "
        "Please unmap those public address(es) before detaching the gateway.",
    )


def route_exists(destination: str) -> AwsError:
    return AwsError("RouteAlreadyExists", f"The route identified by {destination} already exists.")


def endpoint_route_exists(route_table_id: str, prefix_list_id: str) -> AwsError:
    """A second endpoint for the same service on one route table."""
    return AwsError(
        "RouteAlreadyExists",
        f"route table {route_table_id} already has a route with destination-prefix-list-id {prefix_list_id}",
    )


def route_missing(kind: str, destination: str, route_table_id: str) -> AwsError:
    return AwsError(
        "InvalidRoute.NotFound", f"no route with {kind} {destination} in route table {route_table_id}"
    )


def route_gateway_missing(gateway_id: str) -> AwsError:
    """CreateRoute to an unknown GatewayId."""
    return AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")


def foreign_target(route_table_id: str, target_id: str) -> AwsError:
    return invalid_value(
        f"route table {route_table_id} and network gateway {target_id} belong to different networks"
    )


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


def rule_malformed(message: str) -> AwsError:
    return AwsError("InvalidPermission.Malformed", message)


def acl_entry_exists(number: int) -> AwsError:
    return AwsError(
        "NetworkAclEntryAlreadyExists", f"The network acl entry identified by {number} already exists."
    )


def acl_entry_missing(number: int) -> AwsError:
    return AwsError(
        "InvalidNetworkAclEntry.NotFound", f"The network acl entry identified by {number} does not exist."
    )


def service_name(name: str) -> AwsError:
    """An endpoint service that this Region does not have."""
    return AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")


def policy_document(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"The specified policy document is not valid: {message}")


def subnet_full(subnet_id: str) -> AwsError:
    return AwsError(
        "InsufficientFreeAddressesInSubnet",
        f"The specified subnet '{subnet_id}' does not have enough free addresses to satisfy the request.",
    )


def address_in_use(address: str) -> AwsError:
    return AwsError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def address_outside(address: str) -> AwsError:
    return invalid_value(f"Address {address} does not fall within the subnet's address range")


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
    """Ending the association of an address that a NAT gateway holds."""
    return AwsError("AuthFailure", "You do not have permission to access the specified resource.")


def allocation_in_use(allocation_id: str) -> AwsError:
    return AwsError(
        "InvalidIPAddress.InUse",
        f"Address with allocation id {allocation_id} cannot be released because it is in use.",
    )


def address_associated(what: str) -> AwsError:
    return AwsError("Resource.AlreadyAssociated", f"resource {what} is already associated with an address")


def limit(code: str, what: str) -> AwsError:
    """A quota is used up."""
    return AwsError(code, f"The maximum number of {what} has been reached.")


def region_unknown() -> AwsError:
    """As AWS answers in a Region that the account has not enabled."""
    return AwsError(
        "AuthFailure", "AWS was not able to validate the provided access credentials", http_status=401
    )


def incorrect_state(message: str) -> AwsError:
    return AwsError("IncorrectState", message)


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


def cidr_in_use(cidr: str) -> AwsError:
    """A subnet lies inside the block."""
    return AwsError("DependencyViolation", f"The CIDR '{cidr}' has dependencies and cannot be disassociated.")


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


def other_network(first: str, first_id: str, second: str, second_id: str) -> AwsError:
    """Two things of different VPCs."""
    return invalid_parameter(f"{first} {first_id} and {second} {second_id} belong to different networks")


def route_nat_missing(nat_gateway_id: str) -> AwsError:
    """CreateRoute to an unknown NAT gateway."""
    return AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_gateway_id}' does not exist")


def unavailable_target(parameter: str, target_id: str) -> AwsError:
    """A route target of a kind that does not exist here: none of that id does either."""
    nouns = {
        "InstanceId": ("InvalidInstanceID.NotFound", "instance"),
        "TransitGatewayId": ("InvalidTransitGatewayID.NotFound", "transitGateway"),
        "VpcEndpointId": ("InvalidVpcEndpointId.NotFound", "vpcEndpoint"),
    }
    code, noun = nouns.get(parameter, ("InvalidGatewayID.NotFound", "gateway"))
    return AwsError(code, f"The {noun} ID '{target_id}' does not exist")


def address_missing(public_ip: str) -> AwsError:
    return AwsError("InvalidAddress.NotFound", f"Address '{public_ip}' not found.")


def no_gateway(vpc_id: str) -> AwsError:
    """An elastic address needs a way to the internet."""
    return AwsError("Gateway.NotAttached", f"Network {vpc_id} is not attached to any internet gateway")


def foreign_group() -> AwsError:
    """A rule that names a security group of a VPC that is not peered."""
    return AwsError(
        "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."
    )


def no_default_vpc() -> AwsError:
    """An operation that falls back on the default VPC where there is none."""
    return AwsError("VPCIdNotSpecified", "No default VPC for this user")


def reserved_group_name() -> AwsError:
    return AwsError("InvalidGroup.Reserved", "Cannot use reserved security group name: default")


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


def prefix_list_version(list_id: str, version: int) -> AwsError:
    return AwsError(
        "InvalidPrefixListVersion.NotFound", f"The version {version} of prefix list {list_id} does not exist."
    )


def prefix_list_version_mismatch(list_id: str, version: int) -> AwsError:
    return AwsError(
        "PrefixListVersionMismatch",
        f"The prefix list {list_id} has a different version number than the provided version ({version}).",
    )


def prefix_list_size(entries: int, size: int) -> AwsError:
    return AwsError(
        "PrefixListMaxEntriesExceeded",
        f"The number of entries ({entries}) does not fit the maximum number of entries ({size}).",
    )


def prefix_list_in_use(list_id: str) -> AwsError:
    return AwsError(
        "DependencyViolation", f"The prefix list '{list_id}' has dependencies and cannot be deleted."
    )


def aws_prefix_list(list_id: str) -> AwsError:
    return AwsError("OperationNotPermitted", f"The prefix list {list_id} is managed by AWS.")


def flow_log_exists() -> AwsError:
    return AwsError(
        "FlowLogAlreadyExists",
        "Error. There is an existing Flow Log with the same configuration and log destination.",
    )


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
