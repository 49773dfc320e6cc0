from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.key_cloud import KeyCloud


@pytest.fixture
def cloud() -> Iterator[KeyCloud]:
    made = KeyCloud()
    yield made
    made.engine.close()
    made.store.close()


@pytest.fixture
def kms(cloud: KeyCloud) -> Any:
    return cloud.client("kms")


@pytest.fixture
def key(kms: Any) -> str:
    """ARN of a key with the default policy."""
    return kms.create_key()["KeyMetadata"]["Arn"]
