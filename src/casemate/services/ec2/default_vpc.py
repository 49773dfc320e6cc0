"""The default VPC, which every account finds in every Region, made when the account first calls EC2 there.

Source: VPC User Guide, "Default VPCs": 172.31.0.0/16, a /20 subnet in each Availability Zone, an internet gateway, a
route to it in the main route table, the default security group and network ACL, and the Region's DHCP options.
"""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import RandomBytes, resource_id
from casemate.model.regions import AvailabilityZone, availability_zones
from casemate.services.ec2.records import (
    AclEntry,
    CidrAssociation,
    DhcpOptions,
    GroupRule,
    Home,
    InternetGateway,
    NetworkAcl,
    Place,
    RouteEntry,
    RouteTable,
    SecurityGroup,
    Subnet,
    SubnetAclAssociation,
    TableAssociation,
    Vpc,
)
from casemate.services.ec2.state import Ec2State

CIDR = "172.31.0.0/16"


def private_domain(region: str) -> str:
    """Domain of private DNS names: `ec2.internal` in us-east-1, elsewhere `<region>.compute.internal`."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def ensure_home(state: Ec2State, place: Place, random_bytes: RandomBytes) -> Home:
    """The account's home in this Region, made with its default VPC when there is none. Inside a transaction."""
    known = state.homes.get(place.account, place.region)
    if known is not None:
        return known
    options = state.dhcp_options.put(
        DhcpOptions(
            id=resource_id("dopt", random_bytes),
            account=place.account,
            region=place.region,
            options={
                "domain-name": [private_domain(place.region)],
                "domain-name-servers": ["AmazonProvidedDNS"],
            },
        )
    )
    home = Home(account=place.account, region=place.region, default_dhcp_options_id=options.id)
    state.homes.put((place.account, place.region), home)
    make_default_vpc(state, home, random_bytes)
    return home


def make_vpc(
    state: Ec2State,
    home: Home,
    random_bytes: RandomBytes,
    *,
    cidr: str,
    tenancy: str = "default",
    is_default: bool = False,
    ipv6: str | None = None,
) -> Vpc:
    """A VPC with what each VPC has from its first moment: main route table, default NACL, default security group."""

    def new(prefix: str) -> str:
        return resource_id(prefix, random_bytes)

    def associated(block: str) -> tuple[CidrAssociation, ...]:
        return (CidrAssociation(association_id=new("vpc-cidr-assoc"), cidr=block),)

    account, region = home.account, home.region
    vpc = state.vpcs.put(
        Vpc(
            account=account,
            region=region,
            id=new("vpc"),
            ipv4=associated(cidr),
            ipv6=associated(ipv6) if ipv6 else (),
            is_default=is_default,
            tenancy=tenancy,
            dhcp_options_id=home.default_dhcp_options_id,
            dns_hostnames=is_default,
        )
    )
    main = TableAssociation(association_id=new("rtbassoc"), main=True)
    state.route_tables.put(
        RouteTable(account=account, region=region, id=new("rtb"), vpc_id=vpc.id, associations=(main,))
    )
    entries = open_entries(ipv6=bool(ipv6))
    state.acls.put(
        NetworkAcl(
            account=account, region=region, id=new("acl"), vpc_id=vpc.id, is_default=True, entries=entries
        )
    )
    group_id = new("sg")
    state.groups.put(
        SecurityGroup(
            account=account,
            region=region,
            id=group_id,
            vpc_id=vpc.id,
            name="default",
            description="default VPC security group",
            rules=(
                GroupRule(
                    rule_id=new("sgr"),
                    egress=False,
                    protocol="-1",
                    group_id=group_id,
                    group_account=home.account,
                ),
                *open_egress(random_bytes, ipv6=bool(ipv6)),
            ),
        )
    )
    return vpc


def open_entries(*, ipv6: bool) -> tuple[AclEntry, ...]:
    """What a default NACL lets through: everything, both ways."""
    made: list[AclEntry] = []
    for egress in (False, True):
        made.append(AclEntry(number=100, egress=egress, allow=True, protocol="-1", cidr="0.0.0.0/0"))
        if ipv6:
            made.append(AclEntry(number=101, egress=egress, allow=True, protocol="-1", cidr6="::/0"))
    return tuple(made)


def open_egress(random_bytes: RandomBytes, *, ipv6: bool) -> tuple[GroupRule, ...]:
    """What a new security group lets out: everything."""
    rules = [
        GroupRule(rule_id=resource_id("sgr", random_bytes), egress=True, protocol="-1", cidr="0.0.0.0/0")
    ]
    if ipv6:
        rules.append(
            GroupRule(rule_id=resource_id("sgr", random_bytes), egress=True, protocol="-1", cidr6="::/0")
        )
    return tuple(rules)


def open_to_ipv6(state: Ec2State, vpc: Vpc, random_bytes: RandomBytes) -> None:
    """A VPC's first IPv6 block: what lets all of IPv4 through by default lets all of IPv6 through from now on.

    Source: VPC User Guide, "Default security groups" and "Default network ACL": rules for ::/0 are added by
    themselves, unless the outbound rules of the group, or the rules of the ACL, were modified before.
    """
    for acl in state.acls_in(vpc):
        if acl.is_default and set(acl.entries) == set(open_entries(ipv6=False)):
            state.acls.put(replace(acl, entries=open_entries(ipv6=True)))
    for group in state.groups_in(vpc):
        out = [rule for rule in group.rules if rule.egress]
        if len(out) == 1 and (out[0].protocol, out[0].cidr) == ("-1", "0.0.0.0/0"):
            more = open_egress(random_bytes, ipv6=True)[1:]
            state.groups.put(replace(group, rules=(*group.rules, *more)))


def make_subnet(
    state: Ec2State,
    vpc: Vpc,
    random_bytes: RandomBytes,
    *,
    cidr: str,
    zone: AvailabilityZone,
    ipv6: str | None = None,
    is_default: bool = False,
) -> Subnet:
    """A subnet, associated with the VPC's default NACL as each subnet is at first."""
    association = resource_id("subnet-cidr-assoc", random_bytes)
    subnet = state.subnets.put(
        Subnet(
            id=resource_id("subnet", random_bytes),
            account=vpc.account,
            region=vpc.region,
            vpc_id=vpc.id,
            cidr=cidr,
            zone=zone.name,
            zone_id=zone.zone_id,
            default_for_az=is_default,
            map_public_ip=is_default,
            ipv6=(CidrAssociation(association_id=association, cidr=ipv6),) if ipv6 else (),
        )
    )
    acl = next(each for each in state.acls_in(vpc) if each.is_default)
    link = SubnetAclAssociation(association_id=resource_id("aclassoc", random_bytes), subnet_id=subnet.id)
    state.acls.put(replace(acl, associations=(*acl.associations, link)))
    return subnet


def make_default_vpc(state: Ec2State, home: Home, random_bytes: RandomBytes) -> Vpc:
    """The whole of a default VPC."""
    vpc = make_vpc(state, home, random_bytes, cidr=CIDR, is_default=True)
    for number, zone in enumerate(availability_zones(home.region)):
        cidr = f"172.31.{number * 16}.0/20"
        make_subnet(state, vpc, random_bytes, cidr=cidr, zone=zone, is_default=True)
    gateway = state.internet_gateways.put(
        InternetGateway(
            id=resource_id("igw", random_bytes), account=home.account, region=home.region, vpc_id=vpc.id
        )
    )
    route = RouteEntry(destination="0.0.0.0/0", target="GatewayId", target_id=gateway.id)
    state.route_tables.put(replace(state.main_table(vpc), routes=(route,)))
    return vpc
