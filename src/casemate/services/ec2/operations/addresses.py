"""Elastic IP addresses."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.allocation import public_address
from casemate.services.ec2.interface_making import attach_public, detach_public
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import Address, Interface
from casemate.services.ec2.registry import Ctx, behind, on, operation, refuse, required
from casemate.services.ec2.state import Ec2State

ADDRESS_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "domain": "Domain",
    "instance-id": "InstanceId",
    "network-border-group": "NetworkBorderGroup",
    "network-interface-id": "NetworkInterfaceId",
    "network-interface-owner-id": "NetworkInterfaceOwnerId",
    "private-ip-address": "PrivateIpAddress",
    "public-ip": "PublicIp",
}


def _output(state: Ec2State, address: Address) -> Rendered:
    interface = state.interfaces.find(address, address.interface_id) if address.interface_id else None
    attachment = interface.attachment if interface else None
    return {
        "AllocationId": address.id,
        "PublicIp": address.public_ip,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": address.border_group,
        "Domain": "vpc",
        "AssociationId": address.association_id or None,
        "InstanceId": attachment.instance_id or None if attachment else None,
        "NetworkInterfaceId": address.interface_id or None,
        "NetworkInterfaceOwnerId": interface.account if interface else None,
        "PrivateIpAddress": address.private_ip or None,
        "Tags": tags.rendered(state, address, address.id),
    }


@operation("AllocateAddress", creates=("elastic-ip",))
def allocate_address(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    refuse(params, ("Address", "PublicIpv4Pool", "CustomerOwnedIpv4Pool", "IpamPoolId"))
    if params.get("Domain", "vpc") not in {"vpc", "standard"}:
        raise errors.invalid_value(f"Invalid value '{params['Domain']}' for domain.")
    if len(state.addresses.all(ctx)) >= state.quotas.addresses:
        raise errors.limit("AddressLimitExceeded", "addresses")
    labels = tags.specified(params, "elastic-ip")
    address = state.addresses.put(
        Address(
            id=ctx.new_id("eipalloc"),
            account=ctx.account,
            region=ctx.region,
            public_ip=public_address(state, ctx),
            border_group=params.get("NetworkBorderGroup") or ctx.region,
        )
    )
    tags.put(state, ctx, address.id, labels)
    return {
        "AllocationId": address.id,
        "PublicIp": address.public_ip,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": address.border_group,
        "Domain": "vpc",
    }


def _by_ip(ctx: Ctx, public_ip: str) -> Address:
    for each in ctx.state.addresses.all(ctx):
        if each.public_ip == public_ip:
            return each
    raise errors.address_missing(public_ip)


def _chosen(ctx: Ctx, params: Params) -> Address:
    if params.get("AllocationId"):
        return ctx.state.addresses.get(ctx, str(params["AllocationId"]))
    if params.get("PublicIp"):
        return _by_ip(ctx, str(params["PublicIp"]))
    raise errors.missing_parameter("allocationId")


@operation("ReleaseAddress", on=(on("elastic-ip", "AllocationId"),))
def release_address(ctx: Ctx, params: Params) -> Output:
    if params.get("PublicIp") and not params.get("AllocationId"):
        raise errors.invalid_value(
            "You must specify an allocation id when releasing a VPC elastic IP address"
        )
    address = ctx.state.addresses.get(ctx, required(params, "AllocationId"))
    if address.nat_gateway_id:
        raise errors.nat_association()
    if address.association_id:
        raise errors.address_in_use(address.public_ip)
    ctx.state.discard(ctx.state.addresses, address)
    return {}


@operation("DescribeAddresses")
def describe_addresses(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    ids, ips = params.get("AllocationIds") or (), params.get("PublicIps") or ()
    found = [state.addresses.get(ctx, each) for each in ids] + [_by_ip(ctx, each) for each in ips]
    if not ids and not ips:
        found = state.addresses.all(ctx)
    return {"Addresses": filtered((_output(state, each) for each in found), params, ADDRESS_FILTERS)}


def _target(ctx: Ctx, params: Params) -> Interface:
    """The interface, or that of the instance."""
    if not params.get("InstanceId"):
        return ctx.state.interfaces.get(ctx, required(params, "NetworkInterfaceId"))
    if params.get("NetworkInterfaceId"):
        raise errors.combination(
            "You may specify either the instance ID or the network interface ID, not both."
        )
    instance = ctx.state.instances.get(ctx, str(params["InstanceId"]))
    found = ctx.state.interfaces_of(instance)
    if not found or instance.state not in {"pending", "running", "stopped"}:
        raise errors.invalid_instance(instance.id)
    if len(found) > 1:  # "The instance must have exactly one attached network interface." API Reference
        raise errors.several_interfaces(instance.id)
    return found[0]


@operation(
    "AssociateAddress",
    on=(
        on("elastic-ip", "AllocationId"),
        on("network-interface", "NetworkInterfaceId"),
        on("instance", "InstanceId"),
    ),
)
def associate_address(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    address = _chosen(ctx, params)
    interface = _target(ctx, params)
    if interface.requester_managed:
        raise errors.service_interface(interface.id)
    vpc = state.vpcs.get(ctx, interface.vpc_id)
    if state.gateway_of(vpc) is None:
        raise errors.no_gateway(vpc.id)
    private_ip = params.get("PrivateIpAddress") or interface.primary.address
    target = next((each for each in interface.addresses if each.address == private_ip), None)
    if target is None:
        raise errors.invalid_value(
            f"Address {private_ip} is not assigned to network interface {interface.id}"
        )
    if target.public and target.public.allocation_id == address.id:
        return {"AssociationId": address.association_id}
    if address.nat_gateway_id:
        raise errors.nat_association()
    # In a VPC reassociation is allowed unless the caller forbids it. Source: API reference, AssociateAddress.
    taken = address.association_id or (target.public and target.public.allocation_id)
    if params.get("AllowReassociation") is False and taken:
        raise errors.address_associated(address.id if address.association_id else interface.id)
    if target.public and target.public.allocation_id:
        detach_public(state, state.addresses.get(ctx, target.public.allocation_id))
    if address.association_id:
        detach_public(state, address)
    association_id = resource_id("eipassoc", ctx.random_bytes)
    current = state.interfaces.get(ctx, interface.id)
    attach_public(state, current, private_ip, state.addresses.get(ctx, address.id), association_id)
    return {"AssociationId": association_id}


def _associated(ctx: Ctx, association_id: str) -> Address | None:
    found = ctx.state.addresses.all(ctx)
    return next((each for each in found if each.association_id == association_id), None)


def _address_of(ctx: Ctx, association_id: str) -> str | None:
    found = _associated(ctx, association_id)
    return found.id if found else None


def _interface_of(ctx: Ctx, association_id: str) -> str | None:
    found = _associated(ctx, association_id)
    return (found.interface_id or None) if found else None


_ENDS = (
    behind("elastic-ip", "AssociationId", _address_of),
    behind("network-interface", "AssociationId", _interface_of),
)


@operation("DisassociateAddress", on=_ENDS)
def disassociate_address(ctx: Ctx, params: Params) -> Output:
    association_id, public_ip = params.get("AssociationId"), params.get("PublicIp")
    if not association_id and not public_ip:
        raise errors.missing_parameter("associationId")
    for each in ctx.state.addresses.all(ctx):
        if (association_id and each.association_id == association_id) or each.public_ip == public_ip:
            if each.nat_gateway_id:
                raise errors.nat_association()
            if each.association_id:
                detach_public(ctx.state, each)
            return {}
    raise (
        errors.association_missing(str(association_id))
        if association_id
        else errors.address_missing(str(public_ip))
    )


def _attribute(address: Address) -> Rendered:
    domain = address.domain_name
    return {
        "AllocationId": address.id,
        "PublicIp": address.public_ip,
        "PtrRecord": f"{domain.rstrip('.')}." if domain else None,
    }


@operation("DescribeAddressesAttribute")
def describe_addresses_attribute(ctx: Ctx, params: Params) -> Output:
    ids = params.get("AllocationIds")
    found = [ctx.state.addresses.get(ctx, each) for each in ids] if ids else ctx.state.addresses.all(ctx)
    shown = found if ids else [each for each in found if each.domain_name]
    return paged([_attribute(each) for each in shown], params, "Addresses", smallest=1)


@operation("ModifyAddressAttribute", on=(on("elastic-ip", "AllocationId"),))
def modify_address_attribute(ctx: Ctx, params: Params) -> Output:
    address = ctx.state.addresses.get(ctx, required(params, "AllocationId"))
    changed = ctx.state.addresses.put(replace(address, domain_name=required(params, "DomainName")))
    return {"Address": _attribute(changed)}


@operation("ResetAddressAttribute", on=(on("elastic-ip", "AllocationId"),))
def reset_address_attribute(ctx: Ctx, params: Params) -> Output:
    address = ctx.state.addresses.get(ctx, required(params, "AllocationId"))
    changed = ctx.state.addresses.put(replace(address, domain_name=""))
    return {"Address": _attribute(changed)}
