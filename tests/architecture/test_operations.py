"""Every operation's name is one of botocore's model; every slice says what it models."""

from __future__ import annotations

from importlib import import_module

import pytest

from casemate.app import registries
from casemate.wire.models import ServiceModels

REGISTRIES = registries()


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.service)
def test_operation_names_exist_in_botocores_model(registry) -> None:
    names = set(ServiceModels().get(registry.service).operation_names)
    assert set(registry.by_name) <= names


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.service)
def test_a_slice_says_what_is_modelled_and_what_is_not(registry) -> None:
    handler = next(iter(registry.by_name.values())).handler
    package = import_module(".".join(handler.__module__.split(".")[:3]))
    assert package.__doc__
    assert "not" in package.__doc__.lower()
