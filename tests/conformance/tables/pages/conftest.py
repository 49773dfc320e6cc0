"""One ephemeral instance: what the pages say is asked of Casemate as a user has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.instance import Instance


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    data: Path = tmp_path_factory.mktemp("pages")
    made = Instance(data, "--ephemeral", "--dataplane", "off").start()
    yield made
    made.stop()
