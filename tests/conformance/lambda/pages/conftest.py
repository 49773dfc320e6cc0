"""One ephemeral instance on the kernel data plane: the sentences of the pages are asked of the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.instance import Instance
from tests.support.private_table import PrivateTable


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateTable]:
    data: Path = tmp_path_factory.mktemp("pages")
    instance = Instance(data, "--ephemeral", "--dataplane", "kernel").start()
    yield PrivateTable(instance)
    instance.stop()
