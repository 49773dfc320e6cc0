"""The data directory: one owner at a time, private files, and what a wipe may touch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from casemate.gateway.data_directory import DataDirectory, InUseError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_two_instances_never_share_it(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    first.acquire()
    with pytest.raises(InUseError, match=f"in use by process {os.getpid()}"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_what_is_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    keys = {"000000000000": {"access_key_id": "AKIA", "secret_access_key": "s"}}
    assert directory.read_credentials() == {}
    directory.write_credentials(keys)
    directory.secret("some.key", 32)
    assert directory.read_credentials() == keys
    assert mode(directory.path) == 0o700
    assert mode(directory.path / "credentials.json") == 0o600
    assert mode(directory.path / "some.key") == 0o600


def test_a_secret_stays_the_same(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    made = directory.secret("some.key", 32)
    assert len(made) == 32
    assert directory.secret("some.key", 32) == made
    assert DataDirectory(tmp_path).secret("some.key", 32) == made


def test_a_wipe_forgets_state_and_keeps_keys_authority_and_the_files_of_others(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.write_credentials({})
    for name in ("casemate.db", "casemate.db-wal", "journal.db", "notes.txt"):
        (tmp_path / name).write_text("x")
    for name in ("items", "logs", "code", "ca"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    directory.wipe()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca", "credentials.json", "notes.txt"]


def test_a_wipe_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    directory = DataDirectory(tmp_path / "data")
    (directory.path / "items").symlink_to(outside)
    directory.wipe()
    assert (outside / "precious").exists()
    assert not (directory.path / "items").exists()
