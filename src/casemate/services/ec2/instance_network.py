"""An instance's interfaces: attached, with a public address while it runs, freed when it is terminated."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from casemate.model.ids import RandomBytes, resource_id
from casemate.services.ec2.allocation import public_address
from casemate.services.ec2.interface_making import unmake_interface
from casemate.services.ec2.records import Attachment, Instance, Interface, PublicAssociation
from casemate.services.ec2.state import Ec2State


def attach(
    state: Ec2State,
    interface: Interface,
    instance_id: str,
    random_bytes: RandomBytes,
    *,
    now: datetime,
    device_index: int = 0,
    delete_on_termination: bool = False,
) -> Interface:
    """Attach; device index 0 is the primary interface's."""
    attachment = Attachment(
        attachment_id=resource_id("eni-attach", random_bytes),
        instance_owner=interface.account,
        attached=now,
        instance_id=instance_id,
        device_index=device_index,
        delete_on_termination=delete_on_termination,
    )
    return state.interfaces.put(replace(interface, attachment=attachment, owner=instance_id))


def detach(state: Ec2State, interface: Interface) -> None:
    """Detach; it stays."""
    state.interfaces.put(replace(interface, attachment=None, owner=""))


def assign_public(state: Ec2State, instance: Instance) -> None:
    """A public address of the pool for the primary interface, unless an elastic one is there.

    Source: EC2 User Guide, "Amazon EC2 instance IP addressing": released when the instance is stopped or terminated,
    another one when it is started again.
    """
    found = state.interfaces_of(instance)
    if not instance.wants_public_ip or not found or found[0].primary.public is not None:
        return
    public = PublicAssociation(
        public_ip=public_address(state, instance), allocation_id="", association_id="", owner="amazon"
    )
    _set_public(state, found[0], public)


def release_public(state: Ec2State, instance: Instance) -> None:
    """The address of the pool goes back; an elastic one stays."""
    for interface in state.interfaces_of(instance):
        public = interface.primary.public
        if public is not None and not public.allocation_id:
            _set_public(state, interface, None)


def _set_public(state: Ec2State, interface: Interface, public: PublicAssociation | None) -> None:
    first, *rest = interface.addresses
    state.interfaces.put(replace(interface, addresses=(replace(first, public=public), *rest)))


def free_interfaces(state: Ec2State, instance: Instance) -> None:
    """The instance is terminated: interfaces go with it, or are detached when they were to stay."""
    release_public(state, instance)
    for interface in state.interfaces_of(instance):
        assert interface.attachment is not None
        if interface.attachment.delete_on_termination:
            unmake_interface(state, interface)
        else:
            detach(state, interface)
