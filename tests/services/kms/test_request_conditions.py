"""Condition keys on what a request asks for. Source: KMS Developer Guide, "AWS KMS condition keys"; API Reference, CreateKey."""

from __future__ import annotations

from typing import Any

from tests.support.key_cloud import KeyCloud, refused


def allowed(action: str, **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": "*",
        **({"Condition": condition} if condition else {}),
    }


def test_conditions_on_periods(cloud: KeyCloud, kms: Any, key: str) -> None:
    """kms:RotationPeriodInDays and kms:ScheduleKeyDeletionPendingWindowInDays; what is not asked for has its default."""
    rotating = {"kms:RotationPeriodInDays": "180"}
    deleting = {"kms:ScheduleKeyDeletionPendingWindowInDays": "21"}
    cloud.principal = cloud.user(
        "ann",
        allowed("kms:EnableKeyRotation", NumericLessThanEquals=rotating),
        allowed("kms:ScheduleKeyDeletion", NumericGreaterThanEquals=deleting),
    )
    for asked in ({}, {"RotationPeriodInDays": 181}):
        with refused("AccessDeniedException.*kms:EnableKeyRotation"):
            kms.enable_key_rotation(KeyId=key, **asked)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    with refused("AccessDeniedException.*kms:ScheduleKeyDeletion"):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=20)
    assert kms.schedule_key_deletion(KeyId=key)["PendingWindowInDays"] == 30


def test_tags_of_a_new_key_need_a_permission_of_their_own(cloud: KeyCloud, kms: Any) -> None:
    tags = [{"TagKey": "team", "TagValue": "a"}]
    cloud.principal = cloud.user("ann", allowed("kms:CreateKey"))
    kms.create_key()
    with refused("AccessDeniedException.*kms:TagResource"):
        kms.create_key(Tags=tags)
    cloud.principal = cloud.user("bob", allowed("kms:CreateKey"), allowed("kms:TagResource"))
    kms.create_key(Tags=tags)
