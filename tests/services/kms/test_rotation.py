"""What time does to keys that rotate. Source: KMS API Reference, GetKeyRotationStatus, RotateKeyOnDemand, EnableKeyRotation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.key_cloud import KeyCloud, refused


def rotations(kms: Any, key: str) -> list[tuple[str, Any]]:
    return [
        (one["RotationType"], one["RotationDate"]) for one in kms.list_key_rotations(KeyId=key)["Rotations"]
    ]


def test_a_key_is_rotated_on_each_of_its_dates_used_or_not(cloud: KeyCloud, kms: Any, key: str) -> None:
    began = cloud.now
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    cloud.later(days=89)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == first
    cloud.later(days=1)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] != first
    cloud.later(days=100)
    dates = [began + timedelta(days=days) for days in (90, 180)]
    assert rotations(kms, key) == [("AUTOMATIC", date) for date in dates]
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == began + timedelta(days=270)


def test_rotations_on_demand_leave_the_schedule_as_it_is(cloud: KeyCloud, kms: Any, key: str) -> None:
    began = cloud.now
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=730)
    cloud.later(days=726)
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == began + timedelta(days=730)
    cloud.later(days=4)
    assert rotations(kms, key) == [("ON_DEMAND", began + timedelta(days=726)), ("AUTOMATIC", cloud.now)]


def test_a_disabled_key_is_not_rotated_and_its_status_stays(cloud: KeyCloud, kms: Any, key: str) -> None:
    began = cloud.now
    kms.enable_key_rotation(KeyId=key)
    kms.disable_key(KeyId=key)
    cloud.later(days=300)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    # Within the year: the prior schedule goes on.
    kms.enable_key(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == began + timedelta(days=365)
    kms.disable_key(KeyId=key)
    cloud.later(days=100)
    assert rotations(kms, key) == []
    # Later than that: at once, and a year from then.
    kms.enable_key(KeyId=key)
    assert rotations(kms, key) == [("AUTOMATIC", cloud.now)]
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == cloud.now + timedelta(days=365)


def test_a_key_that_is_disabled_after_its_date_was_rotated_on_it(cloud: KeyCloud, kms: Any, key: str) -> None:
    began = cloud.now
    kms.enable_key_rotation(KeyId=key)
    cloud.later(days=400)
    kms.disable_key(KeyId=key)
    cloud.later(days=10)
    assert rotations(kms, key) == [("AUTOMATIC", began + timedelta(days=365))]


def test_while_its_deletion_is_pending_a_key_does_not_rotate(cloud: KeyCloud, kms: Any, key: str) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    cloud.later(days=85)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    cloud.later(days=10)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert rotations(kms, key) == []
    kms.enable_key(KeyId=key)
    assert rotations(kms, key) == [("AUTOMATIC", cloud.now)]


def test_an_aws_managed_key_rotates_every_year_whatever_is_asked(cloud: KeyCloud, kms: Any) -> None:
    began = cloud.now
    key = kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"]
    shown = kms.get_key_rotation_status(KeyId=key)
    assert (shown["KeyRotationEnabled"], shown["RotationPeriodInDays"]) == (True, 365)
    for call in (kms.disable_key_rotation, kms.enable_key_rotation, kms.rotate_key_on_demand):
        with refused("AccessDeniedException"):
            call(KeyId=key)
    cloud.later(days=366)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == began + timedelta(days=730)


def test_twenty_five_rotations_on_demand_are_the_most(kms: Any, key: str) -> None:
    """Developer Guide, "Resource quotas"."""
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key)
    with refused("LimitExceededException"):
        kms.rotate_key_on_demand(KeyId=key)
