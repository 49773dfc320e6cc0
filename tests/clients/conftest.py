"""One instance for clients that people really use, each pointed at it as its own manual says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.instance import Instance


@pytest.fixture(scope="package")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    running = Instance(tmp_path_factory.mktemp("clients"), "--ephemeral", "--dataplane", "off").start()
    yield running
    running.stop()
