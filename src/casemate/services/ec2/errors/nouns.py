"""How AWS says that a resource does not exist, kind by kind."""

from __future__ import annotations

from msgspec import Struct

from casemate.model.errors import AwsError


class Noun(Struct, frozen=True, kw_only=True):
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
INSIGHTS_PATH = Noun(
    prefix="nip-",
    code="InvalidNetworkInsightsPathId",
    text="The network insights path ID '{}' does not exist",
)
INSIGHTS_ANALYSIS = Noun(
    prefix="nia-",
    code="InvalidNetworkInsightsAnalysisId",
    text="The network insights analysis ID '{}' does not exist",
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
INSTANCE = Noun(prefix="i-", code="InvalidInstanceID", text="The instance ID '{}' does not exist")
IMAGE = Noun(prefix="ami-", code="InvalidAMIID", text="The image id '[{}]' does not exist")
KEY_PAIR = Noun(
    prefix="key-",
    code="InvalidKeyPair",
    text="The key pair '{}' does not exist",
)
VOLUME = Noun(prefix="vol-", code="InvalidVolume", text="The volume '{}' does not exist.")
