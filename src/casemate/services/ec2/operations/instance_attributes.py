"""Attributes and metadata options of instances."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_output import devices_output, image_of, metadata_output
from casemate.services.ec2.interface_making import checked_groups
from casemate.services.ec2.interface_output import groups_output
from casemate.services.ec2.launch_request import checked_user_data, metadata_options, type_of
from casemate.services.ec2.records import Instance, Interface
from casemate.services.ec2.registry import Ctx, on, operation, refuse, required

_INSTANCE = (on("instance", "InstanceId"),)
_FLAGS = {
    "DisableApiTermination": "disable_termination",
    "DisableApiStop": "disable_stop",
}


def _instance(ctx: Ctx, params: Params) -> Instance:
    return ctx.state.instances.get(ctx, required(params, "InstanceId"))


def _primary(ctx: Ctx, instance: Instance) -> Interface:
    found = ctx.state.interfaces_of(instance)
    if not found:
        raise errors.instance_state(instance.id, "modified")
    if (
        len(found) > 1
    ):  # as reported in hashicorp/terraform-provider-aws issue 7107 and hashicorp/terraform issue 7635
        raise errors.several_interfaces(instance.id)
    return found[0]


@operation("ModifyInstanceAttribute", on=(*_INSTANCE, on("security-group", "Groups")))
def modify_instance_attribute(ctx: Ctx, params: Params) -> Output:
    """One attribute at a time, in either of the two forms the operation has."""
    instance = _instance(ctx, params)
    refuse(
        params,
        ("EnclaveOptions", "BlockDeviceMappings", "Kernel", "Ramdisk", "SriovNetSupport", "EnaSupport"),
    )
    asked = _asked(params)
    if len(asked) != 1:
        raise errors.combination(
            "Fields for multiple attribute types specified" if asked else "No attributes specified."
        )
    (name, value) = next(iter(asked.items()))
    if name in {"Groups", "SourceDestCheck"}:
        _modify_interface(ctx, _primary(ctx, instance), name, value)
    else:
        ctx.state.instances.put(_modified(instance, name, value))
    return {}


def _asked(params: Params) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for name in (*_FLAGS, "SourceDestCheck", "EbsOptimized", "InstanceType", "InstanceInitiatedShutdownBehavior",
                 "UserData"):  # fmt: skip
        if params.get(name) is not None:
            asked[name] = params[name].get("Value")
    if params.get("Groups") is not None:
        asked["Groups"] = params["Groups"]
    attribute = params.get("Attribute")
    if attribute:
        # `groupSet` has no value in this form. Source: API Reference, ModifyInstanceAttribute.
        text = params.get("Value")
        flag = attribute in {"disableApiTermination", "disableApiStop", "sourceDestCheck", "ebsOptimized"}
        asked[f"{attribute[0].upper()}{attribute[1:]}"] = str(text).lower() == "true" if flag else text
    return asked


def _modify_interface(ctx: Ctx, interface: Interface, name: str, value: Any) -> None:
    if name == "SourceDestCheck":
        ctx.state.interfaces.put(replace(interface, source_dest_check=bool(value)))
        return
    subnet = ctx.state.subnets.get(ctx, interface.subnet_id)
    ctx.state.interfaces.put(replace(interface, groups=checked_groups(ctx.state, subnet, value)))


def _modified(instance: Instance, name: str, value: Any) -> Instance:
    if name in _FLAGS:
        return replace(instance, **{_FLAGS[name]: bool(value)})
    if name == "InstanceInitiatedShutdownBehavior":
        if value not in {"stop", "terminate"}:
            raise errors.bad_value(value, "instanceInitiatedShutdownBehavior", "Unknown value.")
        return replace(instance, shutdown_behavior=value)
    if name not in {"InstanceType", "UserData", "EbsOptimized"}:
        raise errors.bad_value(
            name, "attribute", "Unknown instance attribute, or one that cannot be modified."
        )
    if instance.state != "stopped":
        raise errors.instance_must_be_stopped(instance.id, f"{name[0].lower()}{name[1:]}")
    if name == "UserData":
        return replace(instance, user_data=checked_user_data(value))
    if name == "EbsOptimized":
        return replace(instance, ebs_optimized=bool(value))
    kind = type_of(str(value))
    if kind.architecture != image_of(instance).template.architecture:
        raise errors.invalid_value(
            f"The architecture '{kind.architecture}' of the specified instance type does not match that of the instance."
        )
    cpu_credits = instance.credits or ("standard" if kind.name.startswith("t2.") else "unlimited")
    return replace(instance, kind=kind.name, credits=cpu_credits if kind.burstable else "")


@operation("ResetInstanceAttribute", on=_INSTANCE)
def reset_instance_attribute(ctx: Ctx, params: Params) -> Output:
    instance = _instance(ctx, params)
    if required(params, "Attribute") != "sourceDestCheck":
        raise errors.unsupported(f"the reset of the attribute {params['Attribute']}")
    _modify_interface(ctx, _primary(ctx, instance), "SourceDestCheck", value=True)
    return {}


@operation("DescribeInstanceAttribute", on=_INSTANCE)
def describe_instance_attribute(ctx: Ctx, params: Params) -> Output:
    instance = _instance(ctx, params)
    attribute = required(params, "Attribute")
    interfaces = ctx.state.interfaces_of(instance)
    shown: dict[str, Any] = {
        "disableApiTermination": {"DisableApiTermination": {"Value": instance.disable_termination}},
        "disableApiStop": {"DisableApiStop": {"Value": instance.disable_stop}},
        "ebsOptimized": {"EbsOptimized": {"Value": instance.ebs_optimized}},
        "enaSupport": {"EnaSupport": {"Value": True}},
        "enclaveOptions": {"EnclaveOptions": {"Enabled": False}},
        "groupSet": {"Groups": groups_output(ctx.state, interfaces[0]) if interfaces else []},
        "instanceInitiatedShutdownBehavior": {
            "InstanceInitiatedShutdownBehavior": {"Value": instance.shutdown_behavior}
        },
        "instanceType": {"InstanceType": {"Value": instance.kind}},
        "kernel": {"KernelId": {}},
        "ramdisk": {"RamdiskId": {}},
        "productCodes": {"ProductCodes": []},
        "rootDeviceName": {"RootDeviceName": {"Value": image_of(instance).template.root_device}},
        "sourceDestCheck": {
            "SourceDestCheck": {"Value": interfaces[0].source_dest_check if interfaces else True}
        },
        "sriovNetSupport": {"SriovNetSupport": {}},
        "userData": {"UserData": {"Value": instance.user_data} if instance.user_data else {}},
        "blockDeviceMapping": {"BlockDeviceMappings": devices_output(instance)},
    }
    if attribute not in shown:
        raise errors.bad_value(attribute, "attribute", "Unknown instance attribute.")
    return {"InstanceId": instance.id, **shown[attribute]}


@operation("ModifyInstanceMetadataOptions", on=_INSTANCE)
def modify_instance_metadata_options(ctx: Ctx, params: Params) -> Output:
    instance = _instance(ctx, params)
    changed = replace(instance, metadata=metadata_options(params, instance.metadata))
    ctx.state.instances.put(changed)
    return {
        "InstanceId": instance.id,
        "InstanceMetadataOptions": {**metadata_output(changed), "State": "pending"},
    }


def _monitored(ctx: Ctx, params: Params, *, enabled: bool) -> Output:
    shown: list[dict[str, Any]] = []
    for instance_id in params.get("InstanceIds") or ():
        instance = ctx.state.instances.get(ctx, instance_id)
        ctx.state.instances.put(replace(instance, monitoring=enabled))
        state = "pending" if enabled else "disabling"
        shown.append({"InstanceId": instance_id, "Monitoring": {"State": state}})
    return {"InstanceMonitorings": shown}


@operation("MonitorInstances", on=(on("instance", "InstanceIds"),))
def monitor_instances(ctx: Ctx, params: Params) -> Output:
    return _monitored(ctx, params, enabled=True)


@operation("UnmonitorInstances", on=(on("instance", "InstanceIds"),))
def unmonitor_instances(ctx: Ctx, params: Params) -> Output:
    return _monitored(ctx, params, enabled=False)
