"""What an instance might leave behind: processes, namespaces and mounts."""

from __future__ import annotations

import os
import time
from pathlib import Path


def strangers() -> set[int]:
    """Processes of this machine that live in another network namespace than this one's: helpers, sandboxes."""
    own = os.readlink("/proc/self/ns/net")
    found: set[int] = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/ns/net") != own:
                    found.add(int(entry))
            except OSError:
                continue
    return found


def named(data: Path) -> set[int]:
    """Processes whose command line or environment names the data directory, except this one."""
    found: set[int] = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                directory = Path("/proc", entry)
                text = directory.joinpath("environ").read_bytes() + directory.joinpath("cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(data) in text:
                found.add(int(entry))
    return found


def settle(data: Path, before: set[int], *, patience: float = 5.0) -> set[int]:
    """What is left of an instance that has ended, after giving its children a moment to follow it."""
    deadline = time.monotonic() + patience
    while True:
        left = named(data) | (strangers() - before)
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.05)


def mounts() -> list[str]:
    """Mount points of this (the host's) mount namespace."""
    return sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
