"""The data directory: one instance at a time, its files and their modes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

_STATE = ("casemate.db*", "journal.db*", "items", "logs", "code", "root", "instances")
"""What `wipe` removes, and nothing else: the directory may hold files that are not ours."""


class InUseError(Exception):
    """Another instance owns the directory."""


class DataDirectory:
    """`casemate.db`, `items/`, `code/`, `logs/`, `ca/`, `journal.db`, and what commands need to find the instance."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: TextIO | None = None

    def acquire(self) -> None:
        """Own the directory until `release` or death; InUseError when another process does."""
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise InUseError(
                f"{self.path} is in use by process {owner}; stop it with: casemate down --data {self.path}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        self._tighten()

    def _tighten(self) -> None:
        """What an earlier start may have left readable by others."""
        for pattern in _STATE:
            for entry in self.path.glob(pattern):
                if not entry.is_symlink():
                    entry.chmod(0o700 if entry.is_dir() else 0o600)

    def release(self) -> None:
        """Give the directory back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def publish(self, *, endpoint: str, version: str) -> None:
        """What `casemate env` reads."""
        self._write(
            "instance.json", {"endpoint": endpoint, "pid": os.getpid(), "version": version}, mode=0o644
        )

    def write_credentials(self, keys: Mapping[str, Mapping[str, str]]) -> None:
        """The administrators' keys, by account; readable by the owner only."""
        self._write("credentials.json", keys, mode=0o600)

    def read_credentials(self) -> dict[str, dict[str, str]]:
        """What was written; empty on a new directory."""
        try:
            return json.loads((self.path / "credentials.json").read_text())
        except FileNotFoundError:
            return {}

    def secret(self, name: str, size: int) -> bytes:
        """Random bytes that stay the same for the life of the directory; readable by the owner only."""
        path = self.path / name
        if path.exists() and len(kept := path.read_bytes()) == size:
            return kept
        content = os.urandom(size)
        temporary = self.path / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return content

    def wipe(self) -> None:
        """Forget all state; the certificate authority and the keys stay."""
        for pattern in _STATE:
            for entry in self.path.glob(pattern):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def _write(self, name: str, content: Mapping[str, Any], *, mode: int) -> None:
        temporary = self.path / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
        temporary.replace(self.path / name)
