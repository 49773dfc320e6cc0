"""What is said to the fork-server and to process 1, as JSON. Both sides of the fence import this."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MESSAGE_LIMIT = 1 << 17
"""Bytes of one message: Lambda allows 4 KB of variables; the rest is small."""

FREEZE, THAW, START_RUNTIME, TERMINATE, KILL_RUNTIME, SOCKET = (
    b"freeze", b"thaw", b"start runtime", b"terminate", b"kill runtime", b"socket",
)  # fmt: skip
"""What process 1 is told after its description.

freeze, thaw: every process of the environment stops, goes on. start runtime: all external extensions have registered.
terminate: SIGTERM to the runtime; kill runtime: SIGKILL. socket: send a TCP socket of the environment's network.
"""

TAKE, RESTORE = "take", "restore"
"""`snapshot` of a description: a snapshot of its runtime is to be taken when that has initialized; its runtime is to go
on as the snapshot whose descriptors (image, memory, /tmp) come with the description. Empty: neither."""


def said(message: dict[str, Any]) -> bytes:
    """What process 1 says. Names of files that are no text have question marks: it is for people, and for logs."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class RootPlan:
    """What the root is made of: host paths."""

    base: Path
    """An empty directory to mount on. Nothing is ever written to it."""
    code: Path | None
    """Where unpacked code lives, one directory per CodeSha256; None: this root is not for functions."""
    ca_bundle: Path | None
    """Certificates that functions trust; None leaves the sandbox without any."""
    prefix: Path
    """Of the Python that functions run on: becomes /var/lang."""
    version: tuple[int, int]
    own: bool
    """Whether that is the Python that Casemate runs on, and its compiled modules therefore fit."""
    nodes: dict[str, Path]
    """Major version -> the program."""

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> RootPlan:
        """The plan again."""
        given: dict[str, Any] = json.loads(text)
        given["version"] = tuple(given["version"])
        given["nodes"] = {major: Path(path) for major, path in given["nodes"].items()}
        for name in ("base", "prefix"):
            given[name] = Path(given[name])
        given["code"] = Path(given["code"]) if given["code"] else None
        given["ca_bundle"] = Path(given["ca_bundle"]) if given["ca_bundle"] else None
        return cls(**given)
