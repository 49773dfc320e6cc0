"""What the EC2 slice remembers: frozen records, one file per noun, held in the collections of `state.Ec2State`.

Belongs here: the stored shape of a resource. Does not belong here: validation, rendering, anything derived. Local
routes, the routes of gateway endpoints and the state of a route follow from other records and are never stored.
"""

from casemate.services.ec2.records.acls import AclEntry, NetworkAcl, SubnetAclAssociation
from casemate.services.ec2.records.addresses import Address
from casemate.services.ec2.records.base import Home, Place, Record
from casemate.services.ec2.records.endpoints import VpcEndpoint
from casemate.services.ec2.records.flow_logs import FlowLog
from casemate.services.ec2.records.gateways import EgressOnlyGateway, InternetGateway, NatAddress, NatGateway
from casemate.services.ec2.records.insights import InsightsAnalysis, InsightsPath
from casemate.services.ec2.records.instances import (
    BlockDevice,
    Instance,
    KeyPair,
    MetadataOptions,
    ProfileAssociation,
)
from casemate.services.ec2.records.interfaces import Attachment, Interface, PrivateAddress, PublicAssociation
from casemate.services.ec2.records.meters import Meter, Span
from casemate.services.ec2.records.peerings import Peering
from casemate.services.ec2.records.prefix_lists import ManagedPrefixList, PrefixEntry
from casemate.services.ec2.records.routing import RouteEntry, RouteTable, TableAssociation
from casemate.services.ec2.records.security import GroupRule, SecurityGroup
from casemate.services.ec2.records.subnets import Subnet
from casemate.services.ec2.records.vpcs import CidrAssociation, DhcpOptions, Vpc

__all__ = [
    "AclEntry", "Address", "Attachment", "BlockDevice", "CidrAssociation", "DhcpOptions", "EgressOnlyGateway",
    "FlowLog", "GroupRule", "Home", "InsightsAnalysis", "InsightsPath", "Instance", "Interface", "InternetGateway",
    "KeyPair", "ManagedPrefixList", "MetadataOptions", "Meter", "NatAddress", "NatGateway", "NetworkAcl", "Peering",
    "Place", "PrefixEntry", "PrivateAddress", "ProfileAssociation", "PublicAssociation", "Record", "RouteEntry",
    "RouteTable", "SecurityGroup", "Span", "Subnet", "SubnetAclAssociation", "TableAssociation", "Vpc", "VpcEndpoint",
]  # fmt: skip
