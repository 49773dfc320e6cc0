"""StartInstances, StopInstances, RebootInstances, TerminateInstances."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_network import assign_public
from casemate.services.ec2.lifecycle import REASONS, REQUESTS, state_output
from casemate.services.ec2.paging import Rendered, selected
from casemate.services.ec2.records import Instance
from casemate.services.ec2.registry import Ctx, on, operation

_VERBS = {"start": "started", "stop": "stopped", "reboot": "rebooted", "terminate": "terminated"}
_INSTANCES = (on("instance", "InstanceIds"),)


def _named(ctx: Ctx, params: Params) -> list[Instance]:
    ids = params.get("InstanceIds")
    if not ids:
        raise errors.missing_parameter("InstanceId")
    return selected(ctx.state.instances, ctx, ids)


def _change(ctx: Ctx, instances: list[Instance], request: str) -> Output:
    """All or none: one instance in a wrong state fails the request."""
    for each in instances:
        if each.state not in REQUESTS[request]:
            raise errors.instance_state(each.id, _VERBS[request])
    changes = [_moved(ctx, each, REQUESTS[request][each.state]) for each in instances]
    return {
        {"start": "StartingInstances", "stop": "StoppingInstances", "terminate": "TerminatingInstances"}[
            request
        ]: changes
    }


def _moved(ctx: Ctx, before: Instance, state: str) -> Rendered:
    if state != before.state:
        code, reason = REASONS[state]
        moment = ctx.now.strftime("%Y-%m-%d %H:%M:%S GMT")
        starting = state == "pending"
        after = replace(
            before,
            state=state,
            transition_reason="" if starting else f"User initiated ({moment})",
            reason_code="" if starting else code,
            reason="" if starting else reason,
            launched=ctx.now if starting else before.launched,
            boots=before.boots + starting,
        )
        ctx.state.instances.put(after)
        if starting:
            assign_public(ctx.state, after)
    return {
        "InstanceId": before.id,
        "PreviousState": state_output(before.state),
        "CurrentState": state_output(state),
    }


@operation("StartInstances", on=_INSTANCES, moves_machines=True)
def start_instances(ctx: Ctx, params: Params) -> Output:
    return _change(ctx, _named(ctx, params), "start")


@operation("StopInstances", on=_INSTANCES, moves_machines=True)
def stop_instances(ctx: Ctx, params: Params) -> Output:
    if params.get("Hibernate"):
        raise errors.unsupported("hibernation")
    instances = _named(ctx, params)
    for each in instances:
        if each.disable_stop:
            raise errors.instance_protected(each.id, "stopped", "disableApiStop")
    return _change(ctx, instances, "stop")


@operation("RebootInstances", on=_INSTANCES, moves_machines=True)
def reboot_instances(ctx: Ctx, params: Params) -> Output:
    instances = _named(ctx, params)
    for each in instances:
        if each.state not in REQUESTS["reboot"]:
            raise errors.instance_state(each.id, "rebooted")
    for each in instances:
        ctx.state.instances.put(replace(each, boots=each.boots + 1))
    return {}


@operation("TerminateInstances", on=_INSTANCES, moves_machines=True)
def terminate_instances(ctx: Ctx, params: Params) -> Output:
    instances = _named(ctx, params)
    for each in instances:
        if each.disable_termination and each.state != "terminated":
            raise errors.instance_protected(each.id, "terminated", "disableApiTermination")
    return _change(ctx, instances, "terminate")
