"""Network interfaces: attributes and secondary addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.allocation import claim, pick
from casemate.services.ec2.interface_making import checked_groups, detach_public
from casemate.services.ec2.interface_output import attachment_output, groups_output
from casemate.services.ec2.records import Attachment, Interface, PrivateAddress
from casemate.services.ec2.registry import Ctx, on, operation, refuse, required

_INTERFACE = (on("network-interface", "NetworkInterfaceId"),)


def editable(ctx: Ctx, params: Params) -> Interface:
    """The interface, unless it is a service's: those only their service edits."""
    interface = ctx.state.interfaces.get(ctx, required(params, "NetworkInterfaceId"))
    if interface.requester_managed:
        raise errors.service_interface(interface.id)
    return interface


@operation("ModifyNetworkInterfaceAttribute", on=_INTERFACE)
def modify_network_interface_attribute(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    interface = editable(ctx, params)
    changes: dict[str, Any] = {}
    if params.get("Groups") is not None:
        subnet = state.subnets.get(ctx, interface.subnet_id)
        changes["groups"] = checked_groups(state, subnet, params["Groups"])
    if params.get("SourceDestCheck") is not None:
        changes["source_dest_check"] = bool(params["SourceDestCheck"].get("Value"))
    if params.get("Description") is not None:
        changes["description"] = params["Description"].get("Value") or ""
    if params.get("Attachment") is not None:
        changes["attachment"] = _attachment(interface, params["Attachment"])
    if len(changes) != 1:
        # API reference: "You can specify only one attribute at a time."
        raise errors.combination(
            "Fields for multiple attribute types specified" if changes else "No attributes specified."
        )
    state.interfaces.put(replace(interface, **changes))
    return {}


def _attachment(interface: Interface, given: Mapping[str, Any]) -> Attachment:
    """The attachment with what may change of it: whether the interface goes with the instance."""
    attachment = interface.attachment
    named = str(given.get("AttachmentId") or "")
    if attachment is None or attachment.attachment_id != named:
        raise errors.attachment_missing(named)
    gone = given.get("DeleteOnTermination")
    return replace(
        attachment, delete_on_termination=attachment.delete_on_termination if gone is None else gone
    )


@operation("ResetNetworkInterfaceAttribute", on=_INTERFACE)
def reset_network_interface_attribute(ctx: Ctx, params: Params) -> Output:
    interface = editable(ctx, params)
    if params.get("SourceDestCheck") is None:
        raise errors.missing_parameter("sourceDestCheck")
    ctx.state.interfaces.put(replace(interface, source_dest_check=True))
    return {}


@operation("DescribeNetworkInterfaceAttribute")
def describe_network_interface_attribute(ctx: Ctx, params: Params) -> Output:
    interface = ctx.state.interfaces.get(ctx, required(params, "NetworkInterfaceId"))
    attribute = required(params, "Attribute")
    shown: dict[str, Any] = {
        "description": {"Description": {"Value": interface.description}},
        "groupSet": {"Groups": groups_output(ctx.state, interface)},
        "sourceDestCheck": {"SourceDestCheck": {"Value": interface.source_dest_check}},
        "attachment": {"Attachment": attachment_output(interface)},
        "associatePublicIpAddress": {"AssociatePublicIpAddress": False},
    }
    if attribute not in shown:
        raise errors.bad_value(attribute, "attribute", "Unknown network interface attribute.")
    return {"NetworkInterfaceId": interface.id, **shown[attribute]}


@operation("AssignPrivateIpAddresses", on=_INTERFACE)
def assign_private_ip_addresses(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    interface = editable(ctx, params)
    subnet = state.subnets.get(ctx, interface.subnet_id)
    refuse(params, ("Ipv4Prefixes", "Ipv4PrefixCount"))
    asked, count = params.get("PrivateIpAddresses") or (), params.get("SecondaryPrivateIpAddressCount")
    if bool(asked) == bool(count):
        raise errors.combination(
            "Exactly one of privateIpAddresses and secondaryPrivateIpAddressCount must be given"
        )
    present = {each.address for each in interface.addresses}
    new: list[str] = []
    moved: list[str] = []
    for each in dict.fromkeys(asked):
        if each in present:
            continue
        if params.get("AllowReassignment") and _holder(ctx, interface, each) is not None:
            moved.append(each)
        else:
            new.append(claim(state, subnet, each))
    for each in moved:
        _take_away(ctx, interface, each)
    new += moved + (pick(state, subnet, count) if count else [])
    added = tuple(PrivateAddress(address=each) for each in new)
    state.interfaces.put(replace(interface, addresses=(*interface.addresses, *added)))
    return {
        "NetworkInterfaceId": interface.id,
        "AssignedPrivateIpAddresses": [{"PrivateIpAddress": each} for each in new],
        "AssignedIpv4Prefixes": [],
    }


def _holder(ctx: Ctx, interface: Interface, address: str) -> Interface | None:
    """The other interface of the subnet that has the address as a secondary one and may lose it."""
    for each in ctx.state.interfaces.all(ctx):
        if each.subnet_id == interface.subnet_id and not each.requester_managed:
            for private in each.addresses[1:]:
                if private.address == address:
                    return each
    return None


def _take_away(ctx: Ctx, interface: Interface, address: str) -> None:
    holder = _holder(ctx, interface, address)
    assert holder is not None
    _drop(ctx, holder, {address})


def _drop(ctx: Ctx, interface: Interface, gone: set[str]) -> None:
    for each in interface.addresses:
        held = ctx.state.addresses.find(ctx, each.public.allocation_id) if each.public else None
        if each.address in gone and held is not None:
            detach_public(ctx.state, held)
    current = ctx.state.interfaces.get(ctx, interface.id)
    kept = tuple(each for each in current.addresses if each.address not in gone)
    ctx.state.interfaces.put(replace(current, addresses=kept))


@operation("UnassignPrivateIpAddresses", on=_INTERFACE)
def unassign_private_ip_addresses(ctx: Ctx, params: Params) -> Output:
    interface = editable(ctx, params)
    gone: set[str] = set(params.get("PrivateIpAddresses") or ())
    if not gone:
        raise errors.missing_parameter("privateIpAddresses")
    secondary = {each.address for each in interface.addresses[1:]}
    if not gone <= secondary:
        raise errors.invalid_value(
            "Some of the specified addresses are not assigned to interface " + interface.id
        )
    _drop(ctx, interface, gone)
    return {}
