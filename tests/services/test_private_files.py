"""Secrets and what users store are the owner's alone, also in a directory that was there before."""

from __future__ import annotations

from pathlib import Path

from tests.support.instance import Instance

_MADE_BY_THE_TEST = {"test.log"}
_FOR_FUNCTIONS = {"ca.pem"}
"""Functions run as another user and trust this certificate; it is below a directory of mode 0700."""


def test_nobody_else_reads_the_data_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    left = data / "journal.db"  # by an earlier version
    left.touch()
    left.chmod(0o644)
    instance = Instance(data, "--dataplane", "off").start()
    try:
        iam, logs = instance.client("iam"), instance.client("logs")
        iam.create_access_key(UserName=iam.create_user(UserName="somebody")["User"]["UserName"])
        logs.create_log_group(logGroupName="group")
        open_ = {
            str(path.relative_to(data))
            for path in data.rglob("*")
            if path.stat().st_mode & 0o077 and path.name not in _MADE_BY_THE_TEST | _FOR_FUNCTIONS
        }
        assert open_ == set()
    finally:
        instance.stop()
