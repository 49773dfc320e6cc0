"""The registries of iam, sts and organizations against botocore's models."""

from __future__ import annotations

import botocore.loaders
import pytest
from tests.support.identity import IdentityCloud


@pytest.mark.parametrize("service", ["iam", "sts", "organizations"])
def test_every_operation_is_one_of_the_model(service: str) -> None:
    model = botocore.loaders.create_loader().load_service_model(service, "service-2")
    names = set(IdentityCloud().services[service].operations.by_name)
    assert names
    assert names <= set(model["operations"])
