from __future__ import annotations

from typing import Any

import pytest
from tests.support.identity import IdentityCloud


@pytest.fixture
def cloud() -> IdentityCloud:
    return IdentityCloud()


@pytest.fixture
def client(cloud: IdentityCloud) -> Any:
    return cloud.client("iam")
