"""Virtual MFA devices, and what a code of one is good for. Messages: IAM and STS API references."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.support.identity import WORKLOAD, IdentityCloud
from tests.support.refusals import refused

from casemate.policy.context import principal_context
from casemate.services.iam.one_time_codes import code_at, step_of

SERIAL = f"arn:aws:iam::{WORKLOAD}:mfa/ann"


@pytest.fixture
def ann(cloud: IdentityCloud, client: Any) -> Any:
    """User ann, whose device has the seed that the test reads from the state."""
    client.create_user(UserName="ann")
    client.create_virtual_mfa_device(VirtualMFADeviceName="ann")
    return client


def codes(cloud: IdentityCloud, *offsets: int) -> list[str]:
    device = cloud.services["iam"].state.mfa_devices.get(SERIAL)
    return [code_at(device.seed, step_of(cloud.now) + offset) for offset in offsets]


def enable(cloud: IdentityCloud, client: Any) -> None:
    first, second = codes(cloud, -2, -1)
    client.enable_mfa_device(
        UserName="ann", SerialNumber=SERIAL, AuthenticationCode1=first, AuthenticationCode2=second
    )


def as_ann(cloud: IdentityCloud) -> Any:
    cloud.principal = cloud.directory.user(WORKLOAD, "ann")
    assert cloud.principal is not None
    return cloud.client("sts")


def test_a_device_is_made_enabled_listed_deactivated_and_deleted(cloud: IdentityCloud, client: Any) -> None:
    client.create_user(UserName="ann")
    made = client.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]
    assert made["SerialNumber"] == SERIAL
    assert len(made["Base32StringSeed"]) == 64
    refused(
        "EntityAlreadyExists", "already exists", client.create_virtual_mfa_device, VirtualMFADeviceName="ann"
    )
    assert client.list_mfa_devices(UserName="ann")["MFADevices"] == []
    assert client.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
    enable(cloud, client)
    (device,) = client.list_mfa_devices(UserName="ann")["MFADevices"]
    assert device == {"UserName": "ann", "SerialNumber": SERIAL, "EnableDate": cloud.now}
    (device,) = client.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert device["User"]["UserName"] == "ann"
    assert client.get_account_summary()["SummaryMap"]["MFADevicesInUse"] == 1
    refused("DeleteConflict", "Must deactivate first", client.delete_virtual_mfa_device, SerialNumber=SERIAL)
    refused("DeleteConflict", "must delete MFA device first", client.delete_user, UserName="ann")
    client.deactivate_mfa_device(UserName="ann", SerialNumber=SERIAL)
    client.delete_virtual_mfa_device(SerialNumber=SERIAL)
    client.delete_user(UserName="ann")
    refused("NoSuchEntity", "doesn't exist", client.delete_virtual_mfa_device, SerialNumber=SERIAL)


def test_enabling_takes_two_consecutive_codes(cloud: IdentityCloud, ann: Any) -> None:
    def attempt(*given: str) -> dict[str, Any]:
        return {
            "UserName": "ann",
            "SerialNumber": SERIAL,
            "AuthenticationCode1": given[0],
            "AuthenticationCode2": given[1],
        }

    call, code = ann.enable_mfa_device, "InvalidAuthenticationCode"
    refused(code, "is not valid", call, **attempt("000000", "000001"))
    refused(code, "is not valid", call, **attempt(*codes(cloud, 0, 0)))
    refused(code, "is not valid", call, **attempt(*codes(cloud, -1, -2)))
    enable(cloud, ann)
    refused("EntityAlreadyExists", "already enabled", call, **attempt(*codes(cloud, 0, 1)))
    ann.resync_mfa_device(**attempt(*codes(cloud, 3, 4)))


def test_a_renamed_user_keeps_its_device(cloud: IdentityCloud, ann: Any) -> None:
    enable(cloud, ann)
    ann.update_user(UserName="ann", NewUserName="anna")
    assert ann.list_mfa_devices(UserName="anna")["MFADevices"][0]["SerialNumber"] == SERIAL


def test_a_role_that_wants_mfa_lets_a_code_in_once(cloud: IdentityCloud, ann: Any) -> None:
    enable(cloud, ann)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:user/ann"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "NumericLessThan": {"aws:MultiFactorAuthAge": "300"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ann.create_role(RoleName="glass", AssumeRolePolicyDocument=document)
    sts = as_ann(cloud)
    role: dict[str, Any] = {"RoleArn": f"arn:aws:iam::{WORKLOAD}:role/glass", "RoleSessionName": "incident-1"}
    refused("AccessDenied", "no role trust policy allows", sts.assume_role, **role)
    (code,) = codes(cloud, 0)
    wrong = "invalid MFA one time pass code"
    refused("AccessDenied", wrong, sts.assume_role, **role, SerialNumber=SERIAL, TokenCode="000000")
    refused("AccessDenied", wrong, sts.assume_role, **role, SerialNumber=SERIAL + "x", TokenCode=code)
    refused("AccessDenied", "must provide both", sts.assume_role, **role, TokenCode=code)
    answer = sts.assume_role(**role, SerialNumber=SERIAL, TokenCode=code)
    refused("AccessDenied", wrong, sts.assume_role, **role, SerialNumber=SERIAL, TokenCode=code)
    cloud.now += timedelta(seconds=30)
    assert sts.assume_role(**role, SerialNumber=SERIAL, TokenCode=codes(cloud, 0)[0])
    # "Temporary credentials returned by AssumeRole do not include MFA information in the context."
    found = cloud.credential(answer["Credentials"]["AccessKeyId"])
    assert found is not None
    assert principal_context(found.principal)["aws:MultiFactorAuthPresent"] == "false"


def test_a_session_token_made_with_a_code_remembers_when(cloud: IdentityCloud, ann: Any) -> None:
    enable(cloud, ann)
    sts = as_ann(cloud)
    plain = sts.get_session_token()["Credentials"]["AccessKeyId"]
    mfa = sts.get_session_token(SerialNumber=SERIAL, TokenCode=codes(cloud, 0)[0])["Credentials"][
        "AccessKeyId"
    ]
    without, with_code = cloud.credential(plain), cloud.credential(mfa)
    assert without is not None
    assert without.mfa_authenticated is None
    assert with_code is not None
    assert with_code.mfa_authenticated == cloud.now


def test_nobody_else_can_use_the_code(cloud: IdentityCloud, ann: Any) -> None:
    enable(cloud, ann)
    ann.create_user(UserName="bob")
    cloud.principal = cloud.directory.user(WORKLOAD, "bob")
    sts = cloud.client("sts")
    refused(
        "AccessDenied",
        "invalid MFA one time pass code",
        sts.get_session_token,
        SerialNumber=SERIAL,
        TokenCode=codes(cloud, 0)[0],
    )


def test_a_device_is_shown_and_tagged(cloud: IdentityCloud, ann: Any) -> None:
    refused("NoSuchEntity", "doesn't exist", ann.get_mfa_device, SerialNumber=SERIAL)
    enable(cloud, ann)
    shown = ann.get_mfa_device(SerialNumber=SERIAL, UserName="ann")
    assert (shown["SerialNumber"], shown["UserName"], shown["EnableDate"]) == (SERIAL, "ann", cloud.now)
    refused("NoSuchEntity", "doesn't exist", ann.get_mfa_device, SerialNumber=SERIAL, UserName="bob")
    tags = [{"Key": "place", "Value": "safe"}, {"Key": "of", "Value": "ann"}]
    ann.tag_mfa_device(SerialNumber=SERIAL, Tags=tags)
    ann.untag_mfa_device(SerialNumber=SERIAL, TagKeys=["of"])
    assert ann.list_mfa_device_tags(SerialNumber=SERIAL)["Tags"] == tags[:1]
