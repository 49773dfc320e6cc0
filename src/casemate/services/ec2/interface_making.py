"""Making and unmaking network interfaces: for users, NAT gateways, endpoints and functions alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from casemate.model.ids import RandomBytes, resource_id
from casemate.services.ec2 import errors
from casemate.services.ec2.allocation import mac, pick
from casemate.services.ec2.records import (
    Address,
    Attachment,
    Interface,
    PrivateAddress,
    PublicAssociation,
    Subnet,
)
from casemate.services.ec2.state import Ec2State


def checked_groups(state: Ec2State, subnet: Subnet, group_ids: Sequence[str]) -> tuple[str, ...]:
    """Security groups for an interface of the subnet: existing, of its VPC, not too many; without any, the default."""
    vpc = state.vpcs.get(subnet, subnet.vpc_id)
    if not group_ids:
        return (state.default_group(vpc).id,)
    for group_id in group_ids:
        group = state.groups.find(subnet, group_id)
        if group is None:  # here AWS calls what cannot be an id missing too, not malformed
            raise errors.GROUP.missing(group_id)
        if group.vpc_id != vpc.id:
            raise errors.invalid_parameter(
                f"Security group {group_id} and subnet {subnet.id} belong to different networks."
            )
    unique = tuple(dict.fromkeys(group_ids))
    if len(unique) > state.quotas.groups_per_interface:
        raise errors.limit("SecurityGroupsPerInterfaceLimitExceeded", "security groups per interface")
    return unique


def make_interface(
    state: Ec2State,
    subnet: Subnet,
    random_bytes: RandomBytes,
    *,
    addresses: Sequence[str] | None = None,
    groups: tuple[str, ...] = (),
    description: str = "",
    kind: str = "interface",
    owner: str = "",
    requester_id: str = "",
    users: tuple[str, ...] = (),
    attached: datetime | None = None,
    ipv6: Sequence[str] = (),
) -> Interface:
    """A new interface; the lowest free address when none is given. One made for a service is attached by it."""
    if len(state.interfaces.all(subnet)) >= state.quotas.interfaces:
        raise errors.limit("NetworkInterfaceLimitExceeded", "network interfaces")
    chosen = list(addresses) if addresses else pick(state, subnet, 1)
    attachment = None
    if requester_id:
        attachment_id = resource_id("ela-attach", random_bytes)
        attachment = Attachment(
            attachment_id=attachment_id, instance_owner="amazon-aws", device_index=1, attached=attached
        )
    return state.interfaces.put(
        Interface(
            id=resource_id("eni", random_bytes),
            account=subnet.account,
            region=subnet.region,
            vpc_id=subnet.vpc_id,
            subnet_id=subnet.id,
            zone=subnet.zone,
            zone_id=subnet.zone_id,
            mac=mac(random_bytes),
            description=description,
            kind=kind,
            addresses=tuple(
                PrivateAddress(address=each, primary=number == 0) for number, each in enumerate(chosen)
            ),
            groups=groups,
            # NAT gateways forward what is not addressed to them.
            source_dest_check=kind != "nat_gateway",
            requester_id=requester_id,
            requester_managed=bool(requester_id),
            attachment=attachment,
            owner=owner,
            users=users,
            ipv6=tuple(ipv6),
        )
    )


def attach_public(
    state: Ec2State, interface: Interface, private_ip: str, address: Address, association_id: str
) -> Interface:
    """Put an elastic address on one of the interface's private addresses."""
    public = PublicAssociation(
        public_ip=address.public_ip,
        allocation_id=address.id,
        association_id=association_id,
        owner=address.account,
    )
    changed = tuple(
        replace(each, public=public) if each.address == private_ip else each for each in interface.addresses
    )
    state.addresses.put(
        replace(address, association_id=association_id, interface_id=interface.id, private_ip=private_ip)
    )
    return state.interfaces.put(replace(interface, addresses=changed))


def detach_public(state: Ec2State, address: Address) -> None:
    """Take an elastic address off; it stays allocated."""
    interface = state.interfaces.find(address, address.interface_id)
    if interface is not None:
        changed = tuple(
            replace(each, public=None) if each.public and each.public.allocation_id == address.id else each
            for each in interface.addresses
        )
        state.interfaces.put(replace(interface, addresses=changed))
    state.addresses.put(
        replace(address, association_id="", interface_id="", private_ip="", nat_gateway_id="")
    )


def unmake_interface(state: Ec2State, interface: Interface) -> None:
    """Delete it, with its tags and flow logs; its elastic addresses become free."""
    for each in interface.addresses:
        address = state.addresses.find(interface, each.public.allocation_id) if each.public else None
        if address is not None:
            detach_public(state, address)
    for log in state.flow_logs.all(interface):
        if log.resource_id == interface.id:
            state.discard(state.flow_logs, log)
    current = state.interfaces.find(interface, interface.id)
    assert current is not None
    state.discard(state.interfaces, current)
