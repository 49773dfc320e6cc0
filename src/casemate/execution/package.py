"""A deployment package: a zip archive, checked and unpacked to a directory named by its CodeSha256.

Nothing in an archive is trusted: names may not leave the directory, links may not either, sizes are counted while
unpacking and not believed. Limits: Lambda quotas, "Deployment package (.zip file archive) size".
"""

from __future__ import annotations

import errno
import io
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from base64 import b64encode
from hashlib import sha256
from pathlib import Path, PurePosixPath

from msgspec import Struct

ZIPPED_LIMIT = 50 * 1024 * 1024
"""Bytes of an archive sent in the request."""
UNZIPPED_LIMIT = 250 * 1024 * 1024
"""262,144,000 bytes, all files together."""
ENTRY_LIMIT = 100_000
"""Files and directories. Lambda has no such limit; a machine does."""

_NOT_UNZIPPED = "Could not unzip uploaded file. Please check your file, then try to upload again."
_DAMAGED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    UnicodeError, ValueError, IndexError, struct.error,
)  # fmt: skip
"""What zipfile raises for archives that are damaged, encrypted, or compressed in a way it does not know; IndexError for a
name that is empty."""
_BAD_NAME = frozenset({
    errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP,
})  # fmt: skip


class PackageError(Exception):
    """The archive cannot be used; the message is Lambda's where Lambda has one."""


class Package(Struct, frozen=True, kw_only=True):
    """An unpacked deployment package."""

    directory: str
    """Name under the code root: the digest, in hexadecimal."""
    sha256: str
    """`CodeSha256`: the digest, in base64."""
    size: int
    """`CodeSize`: bytes of the archive."""
    unzipped: int = 0
    """Bytes of all its files."""
    unreadable: str = ""
    """The first file that the archive does not let others read. Lambda asks for global read permission ("Deploy Python
    Lambda functions with .zip file archives", section on permissions), so AWS may fail on it."""


def unpack(archive: bytes, root: Path) -> Package:
    """Unpack below `root`, unless this very archive is there already. PackageError when it is not usable."""
    digest = sha256(archive)
    target = root / digest.hexdigest()
    if len(archive) > ZIPPED_LIMIT:
        # As AWS says since 2023: quoted in localstack/docs#933 on GitHub.
        raise PackageError(f"Zipped size must be smaller than {ZIPPED_LIMIT} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if not target.is_dir():
                _unpack_to(opened, target)
            # Exact once unpacked: an entry whose header lies about its size does not unpack.
            unzipped = sum(entry.file_size for entry in opened.infolist())
            unreadable = next((entry.filename for entry in opened.infolist() if _unreadable(entry)), "")
    except _DAMAGED as error:
        raise PackageError(_NOT_UNZIPPED) from error
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise  # the disk is full, or worse: not the archive's fault
        raise PackageError(_NOT_UNZIPPED) from error
    return Package(
        directory=target.name,
        sha256=b64encode(digest.digest()).decode(),
        size=len(archive),
        unzipped=unzipped,
        unreadable=unreadable,
    )


def _unreadable(entry: zipfile.ZipInfo) -> bool:
    mode = entry.external_attr >> 16
    return not entry.is_dir() and mode & 0o777 != 0 and not mode & 0o004


def _unpack_to(opened: zipfile.ZipFile, target: Path) -> None:
    """All or nothing: into a directory beside the target, renamed when it is whole."""
    entries = opened.infolist()
    if not any(not entry.is_dir() for entry in entries):
        raise PackageError("Uploaded file must be a non-empty zip")
    if len(entries) > ENTRY_LIMIT:
        raise PackageError(f"The archive has more than {ENTRY_LIMIT} entries")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        left = UNZIPPED_LIMIT
        for entry in entries:
            left -= _write(opened, entry, partial, left)
        os.chmod(partial, 0o755)  # noqa: S103, PTH101 - the function's user is not the owner
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path, left: int) -> int:
    """Write one entry; gives the bytes it took."""
    parts = _safe_parts(entry.filename)
    if not parts:
        return 0
    path = root.joinpath(*parts)
    _refuse_links_on_the_way(root, parts, entry.filename)
    mode = entry.external_attr >> 16
    if entry.is_dir():
        _make_directories(root, parts)
        return 0
    _make_directories(root, parts[:-1])
    if stat.S_ISLNK(mode):
        return _link(opened, entry, path, PurePosixPath(*parts))
    if path.exists() or path.is_symlink():
        if path.is_dir():
            raise PackageError(f"The archive has both a file and a directory named {entry.filename}")
        path.unlink()  # the last of several entries of one name wins, as with unzip
    taken = 0
    with opened.open(entry) as source, path.open("xb") as sink:
        while chunk := source.read(1 << 20):
            taken += len(chunk)
            if taken > left:
                raise PackageError(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")
            sink.write(chunk)
    # Readable by the function's user whatever the archive says; `Package.unreadable` remembers that it said otherwise.
    path.chmod(mode & 0o777 | 0o444)
    return taken


def _make_directories(root: Path, parts: tuple[str, ...]) -> None:
    """Directories that the function's user can read, whatever this process's umask is."""
    here = root
    for part in parts:
        here = here / part
        if not here.is_dir():
            here.mkdir()
            here.chmod(0o755)


def _safe_parts(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise PackageError(f"The archive has an entry outside its own directory: {name!r}")
    return path.parts


def _refuse_links_on_the_way(root: Path, parts: tuple[str, ...], name: str) -> None:
    """An entry may not be written through a link that an earlier entry made."""
    here = root
    for part in parts[:-1]:
        here = here / part
        if here.is_symlink():
            raise PackageError(f"The archive has an entry behind a symbolic link: {name!r}")
        if here.exists() and not here.is_dir():
            raise PackageError(f"The archive has an entry below a file: {name!r}")


def _link(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, place: PurePosixPath) -> int:
    """A symbolic link; only a relative one that stays inside."""
    if entry.file_size > 4096:
        raise PackageError(f"The archive has a link that is too long: {entry.filename!r}")
    target = opened.read(entry).decode("utf-8", "surrogateescape")
    depth = len(place.parts) - 1
    pure = PurePosixPath(target)
    if pure.is_absolute() or not target:
        raise PackageError(f"The archive has a link out of its own directory: {entry.filename!r}")
    for part in pure.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            raise PackageError(f"The archive has a link out of its own directory: {entry.filename!r}")
    if path.is_symlink() or path.exists():
        raise PackageError(f"The archive has two entries named {entry.filename!r}")
    path.symlink_to(target)
    return len(target)
