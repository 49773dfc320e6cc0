"""Virtual MFA devices. Hardware devices, passkeys and the QR code picture are not modelled; the seed is."""

from __future__ import annotations

import base64
from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam.entities import (
    USERS,
    creation_time,
    own_user_checks,
    own_user_name,
    request_tag_context,
)
from casemate.services.iam.errors import already_exists, delete_conflict, limit_exceeded, no_such_entity
from casemate.services.iam.one_time_codes import pair_shown
from casemate.services.iam.operations.tags import listed_tags, tags_with, tags_without
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState, MfaDevice

_SEED_BYTES = 40
"""64 characters of base32, as AWS's seeds."""
_DEVICES_PER_USER = 8
"""IAM User Guide, "IAM and AWS STS quotas"."""


def _on_device(action: str) -> Any:
    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        serial = params.get("SerialNumber")
        if serial is None:
            path = params.get("Path") or "/"
            serial = ctx.arn("iam", f"mfa{path}{params['VirtualMFADeviceName']}", region="")
        return (Check(action=f"iam:{action}", resource=serial, context=request_tag_context(params)),)

    return checks


def _device(ctx: Context[IamState], serial: str) -> MfaDevice:
    found = ctx.state.mfa_devices.get(serial)
    if found is None or found.account != ctx.account:
        raise no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
    return found


def _users_device(ctx: Context[IamState], params: Params) -> MfaDevice:
    """The device in the request, which must be enabled for the user in the request."""
    user = USERS.named(ctx, params)
    found = ctx.state.mfa_devices.get(params["SerialNumber"])
    if found is None or found.account != ctx.account or found.user != user.name:
        raise no_such_entity(f"MFA Device invalid for user: {user.name}")
    return found


def _synchronized(ctx: Context[IamState], device: MfaDevice, params: Params) -> int:
    """The later of the two consecutive half minutes whose codes were given."""
    step = pair_shown(
        device.seed,
        params["AuthenticationCode1"],
        params["AuthenticationCode2"],
        now=ctx.now,
        after=device.last_step,
    )
    if step is None:
        raise AwsError(
            "InvalidAuthenticationCode", "Authentication code for device is not valid", http_status=403
        )
    return step


@operations.operation("CreateVirtualMFADevice", checks=_on_device("CreateVirtualMFADevice"))
def create_virtual_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    serial = ctx.arn("iam", f"mfa{params.get('Path') or '/'}{params['VirtualMFADeviceName']}", region="")
    if ctx.state.mfa_devices.get(serial) is not None:
        raise already_exists("MFADevice entity at the same path and name already exists.")
    device = MfaDevice(
        serial=serial,
        account=ctx.account,
        seed=ctx.random_bytes(_SEED_BYTES),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()},
    )
    ctx.state.mfa_devices.put((serial,), device)
    return {
        "VirtualMFADevice": {
            "SerialNumber": serial,
            "Base32StringSeed": base64.b32encode(device.seed),
            "Tags": [{"Key": key, "Value": value} for key, value in device.tags.items()],
        }
    }


@operations.operation("EnableMFADevice", checks=USERS.checks("EnableMFADevice"))
def enable_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    user, device = USERS.named(ctx, params), _device(ctx, params["SerialNumber"])
    if device.user is not None:
        raise already_exists(f"MFA Device already enabled for user: {device.user}")
    owned = [each for each in ctx.state.mfa_devices.values() if each.belongs_to(user.account, user.name)]
    if len(owned) >= _DEVICES_PER_USER:
        raise limit_exceeded(f"Cannot exceed quota for MFADevicesPerUser: {_DEVICES_PER_USER}")
    step = _synchronized(ctx, device, params)
    enabled = replace(device, user=user.name, enabled=creation_time(ctx), last_step=step)
    ctx.state.mfa_devices.put((device.serial,), enabled)
    return {}


@operations.operation("ResyncMFADevice", checks=USERS.checks("ResyncMFADevice"))
def resync_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    device = _users_device(ctx, params)
    ctx.state.mfa_devices.put((device.serial,), replace(device, last_step=_synchronized(ctx, device, params)))
    return {}


@operations.operation("DeactivateMFADevice", checks=own_user_checks("DeactivateMFADevice"))
def deactivate_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    device = _users_device(ctx, {**params, "UserName": own_user_name(ctx, params)})
    ctx.state.mfa_devices.put((device.serial,), replace(device, user=None, enabled=None))
    return {}


@operations.operation("DeleteVirtualMFADevice", checks=_on_device("DeleteVirtualMFADevice"))
def delete_virtual_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    device = _device(ctx, params["SerialNumber"])
    if device.user is not None:
        raise delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
    ctx.state.mfa_devices.delete(device.serial)
    return {}


@operations.operation("GetMFADevice", checks=own_user_checks("GetMFADevice"))
def get_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    """An enabled device; with UserName, of that user."""
    device = _device(ctx, params["SerialNumber"])
    wanted = params.get("UserName")
    if device.user is None or (wanted is not None and device.user != wanted):
        raise no_such_entity(f"MFA Device with serial number {device.serial} doesn't exist.")
    return {"SerialNumber": device.serial, "UserName": device.user, "EnableDate": device.enabled}


@operations.operation("TagMFADevice", checks=_on_device("TagMFADevice"))
def tag_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    device = _device(ctx, params["SerialNumber"])
    tags = tags_with(device.tags, params, "MFADevice")
    ctx.state.mfa_devices.put((device.serial,), replace(device, tags=tags))
    return {}


@operations.operation("UntagMFADevice", checks=_on_device("UntagMFADevice"))
def untag_mfa_device(ctx: Context[IamState], params: Params) -> Output:
    device = _device(ctx, params["SerialNumber"])
    ctx.state.mfa_devices.put(
        (device.serial,), replace(device, tags=tags_without(device.tags, params, "MFADevice"))
    )
    return {}


@operations.operation("ListMFADeviceTags", checks=_on_device("ListMFADeviceTags"))
def list_mfa_device_tags(ctx: Context[IamState], params: Params) -> Output:
    return listed_tags(params, _device(ctx, params["SerialNumber"]).tags)


@operations.operation("ListMFADevices", checks=own_user_checks("ListMFADevices"))
def list_mfa_devices(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, {"UserName": own_user_name(ctx, params)})
    found = [each for each in ctx.state.mfa_devices.values() if each.belongs_to(user.account, user.name)]
    return paged(
        params,
        "MFADevices",
        found,
        key=lambda each: each.serial,
        shape=lambda each: {
            "UserName": user.name,
            "SerialNumber": each.serial,
            "EnableDate": each.enabled,
        },
    )


@operations.operation("ListVirtualMFADevices")
def list_virtual_mfa_devices(ctx: Context[IamState], params: Params) -> Output:
    wanted = params.get("AssignmentStatus") or "Any"
    found = [
        each
        for each in ctx.state.mfa_devices.values()
        if each.account == ctx.account
        and (wanted == "Any" or (each.user is not None) is (wanted == "Assigned"))
    ]

    def shape(each: MfaDevice) -> dict[str, Any]:
        shown: dict[str, Any] = {"SerialNumber": each.serial}
        user = None if each.user is None else ctx.state.users.get(ctx.account, each.user.lower())
        if user is not None:
            shown["User"] = {
                "Path": user.path,
                "UserName": user.name,
                "UserId": user.id,
                "Arn": user.arn,
                "CreateDate": user.created,
            }
            shown["EnableDate"] = each.enabled
        return shown

    return paged(params, "VirtualMFADevices", found, key=lambda each: each.serial, shape=shape)
