"""Attaching network interfaces to instances, and detaching them.

Source: EC2 User Guide, "Elastic network interfaces" ("You cannot detach a primary network interface from an instance";
"the network interface and the instance must be in the same Availability Zone").
"""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_catalogue import INSTANCE_TYPES
from casemate.services.ec2.instance_network import attach, detach
from casemate.services.ec2.records import Instance, Interface
from casemate.services.ec2.registry import Ctx, behind, on, operation, refuse, required

_ATTACHABLE = frozenset({"running", "stopped", "pending"})


def checked_attachment(
    instance: Instance, interface: Interface, index: int, present: list[Interface]
) -> None:
    """AwsError unless `interface` may be attached at `index` beside those that are."""
    if interface.requester_managed:
        raise errors.service_interface(interface.id)
    if interface.attachment is not None:
        raise errors.interface_in_use(interface.id)
    if any(each.attachment and each.attachment.device_index == index for each in present):
        raise errors.device_index_taken(instance.id, index)
    if interface.zone != instance.zone:
        raise errors.zones_differ()
    if interface.vpc_id != instance.vpc_id:
        raise errors.unsupported("instances with network interfaces in more than one VPC")
    kind = INSTANCE_TYPES[instance.kind]
    if len(present) >= kind.interfaces:
        raise errors.too_many_interfaces(len(present) + 1, kind.name)


@operation(
    "AttachNetworkInterface",
    on=(on("network-interface", "NetworkInterfaceId"), on("instance", "InstanceId")),
)
def attach_network_interface(ctx: Ctx, params: Params) -> Output:
    refuse(params, ("EnaSrdSpecification", "EnaQueueCount"))
    state = ctx.state
    interface = state.interfaces.get(ctx, required(params, "NetworkInterfaceId"))
    instance = state.instances.get(ctx, required(params, "InstanceId"))
    if params.get("NetworkCardIndex"):
        raise errors.invalid_value(f"Network card index '{params['NetworkCardIndex']}' does not exist.")
    if instance.state not in _ATTACHABLE:
        raise errors.invalid_instance(instance.id)
    index = int(params.get("DeviceIndex") or 0)
    checked_attachment(instance, interface, index, state.interfaces_of(instance))
    attached = attach(state, interface, instance.id, ctx.random_bytes, now=ctx.now, device_index=index)
    assert attached.attachment is not None
    return {"AttachmentId": attached.attachment.attachment_id, "NetworkCardIndex": 0}


def attached_interface(ctx: Ctx, attachment_id: str) -> Interface | None:
    """The interface of an attachment."""
    for each in ctx.state.interfaces.all(ctx):
        if each.attachment is not None and each.attachment.attachment_id == attachment_id:
            return each
    return None


def _interface_id(ctx: Ctx, attachment_id: str) -> str | None:
    found = attached_interface(ctx, attachment_id)
    return found.id if found else None


@operation("DetachNetworkInterface", on=(behind("network-interface", "AttachmentId", _interface_id),))
def detach_network_interface(ctx: Ctx, params: Params) -> Output:
    """A service's attachments are the service's alone; an instance keeps its primary interface."""
    attachment_id = required(params, "AttachmentId")
    interface = attached_interface(ctx, attachment_id)
    if interface is None or interface.attachment is None:
        raise errors.attachment_missing(attachment_id)
    if not interface.attachment.instance_id:
        raise errors.service_attachment()
    if interface.attachment.device_index == 0:
        raise errors.primary_interface()
    detach(ctx.state, interface)
    return {}
