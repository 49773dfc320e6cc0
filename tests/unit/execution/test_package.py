"""Archives are not trusted."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.execution import package
from casemate.execution.package import PackageError, unpack


def archive(*entries: tuple[str, bytes], mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(info, content)
    return buffer.getvalue()


def link(name: str, target: str, *others: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, target)
        for other, content in others:
            opened.writestr(other, content)
    return buffer.getvalue()


def test_files_keep_their_content_and_mode_in_a_directory_named_by_the_digest(tmp_path: Path) -> None:
    data = archive(("app.py", b"x = 1"), ("pkg/run.sh", b"#!/bin/sh"), mode=0o755)
    unpacked = unpack(data, tmp_path)
    assert unpacked.directory == sha256(data).hexdigest()
    assert unpacked.sha256 == b64encode(sha256(data).digest()).decode()
    assert unpacked.size == len(data)
    root = tmp_path / unpacked.directory
    assert (root / "app.py").read_bytes() == b"x = 1"
    assert (root / "pkg/run.sh").stat().st_mode & 0o777 == 0o755
    assert unpacked.unreadable == ""
    assert unpack(data, tmp_path) == unpacked


def test_files_that_others_may_not_read_are_made_readable_and_remembered(tmp_path: Path) -> None:
    unpacked = unpack(archive(("app.py", b""), mode=0o600), tmp_path)
    assert unpacked.unreadable == "app.py"
    assert (tmp_path / unpacked.directory / "app.py").stat().st_mode & 0o777 == 0o644


def test_directories_can_be_read_by_the_functions_user_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        unpacked = unpack(archive(("pkg/deep/mod.py", b""), ("other/", b"")), tmp_path)
    finally:
        os.umask(before)
    root = tmp_path / unpacked.directory
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_dir()} == {0o755}


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/passwd", "..\\evil", "a/../../../../tmp/evil"]
)
def test_names_may_not_leave_the_directory(tmp_path: Path, name: str) -> None:
    root = tmp_path / "code"
    with pytest.raises(PackageError, match="outside"):
        unpack(archive((name, b"x")), root)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["code"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "a/../../outside", ""])
def test_links_may_not_leave_the_directory(tmp_path: Path, target: str) -> None:
    with pytest.raises(PackageError):
        unpack(link("lib", target), tmp_path)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="behind a symbolic link"):
        unpack(link("dir", "other", ("other/x", b""), ("dir/evil", b"x")), tmp_path)


def test_links_inside_are_kept(tmp_path: Path) -> None:
    unpacked = unpack(link("lib/current.so", "../real.so", ("real.so", b"elf")), tmp_path)
    assert (tmp_path / unpacked.directory / "lib/current.so").read_bytes() == b"elf"


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNZIPPED_LIMIT", 1 << 20)
    with pytest.raises(PackageError, match="Unzipped size must be smaller than"):
        unpack(archive(("zeros", bytes(2 << 20))), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_lie_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNZIPPED_LIMIT", 1000)
    data = bytearray(archive(("zeros", bytes(5000))))
    size = (5000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:  # in the local header and in the directory
        data[at : at + 4] = (1).to_bytes(4, "little")
    with pytest.raises(PackageError):
        unpack(bytes(data), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_archive_itself_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "ZIPPED_LIMIT", 10)
    with pytest.raises(PackageError):
        unpack(archive(("a", b"")), tmp_path)


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="non-empty zip"):
        unpack(archive(), tmp_path)


@given(st.binary(max_size=300))
def test_garbage_is_an_error_and_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    root = tmp_path_factory.mktemp("code")
    with pytest.raises(PackageError):
        unpack(data, root)
    assert list(root.iterdir()) == []


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    raw = bytearray(archive(("a", b"x = 1")))
    # The name's length, in the central directory: it then begins with what was the name.
    raw[raw.index(b"PK\1\2") + 28] = 0
    raw[raw.index(b"PK\1\2") + 30] = 1
    with pytest.raises(PackageError):
        unpack(bytes(raw), tmp_path)


@given(st.data())
def test_a_damaged_archive_is_unpacked_or_refused_but_never_escapes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(archive(("app.py", b"x = 1"), ("pkg/mod.py", b"y = 2" * 50)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    root = tmp_path_factory.mktemp("area") / "code"
    root.mkdir()
    try:
        unpack(bytes(raw), root)
    except PackageError:
        assert list(root.iterdir()) == []
    assert [path.name for path in root.parent.iterdir()] == ["code"]
