"""What runs in an environment that is not the Python it was forked from: Node.js, custom runtimes, extensions."""

from __future__ import annotations

import os
from typing import Any

from casemate.execution.sandbox import tenant

_BOOTSTRAPS = ("/var/task/bootstrap", "/opt/bootstrap")
EXTENSIONS = "/opt/extensions"


def run_node(description: dict[str, Any]) -> int:
    """Node.js with Casemate's runtime interface client."""
    environment = description["environment"]
    command = ["/var/lang/bin/node", "/var/runtime/index.mjs"]
    return wrapped(command, environment) or tenant.execute(command[0], command, environment)


def run_bootstrap(description: dict[str, Any]) -> int:
    """A custom runtime. Source: Lambda Developer Guide, "Building a custom runtime"."""
    program = next((path for path in _BOOTSTRAPS if os.path.exists(path)), None)  # noqa: PTH110
    if program is None:
        raise tenant.StartError(f"Couldn't find valid bootstrap(s): [{' '.join(_BOOTSTRAPS)}]")
    return tenant.execute(program, [program], description["environment"])


def wrapped(command: list[str], environment: dict[str, str]) -> int:
    """Become the wrapper script that AWS_LAMBDA_EXEC_WRAPPER names, with `command` as arguments; 0 without one.

    Source: Lambda Developer Guide, "Modifying the runtime environment", wrapper scripts.
    """
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    return tenant.execute(wrapper, [wrapper, *command], environment) if wrapper else 0


def run_extension(name: str, environment: dict[str, str]) -> int:
    """An external extension."""
    path = f"{EXTENSIONS}/{name}"
    return tenant.execute(path, [path], environment)


def extensions() -> list[str]:
    """The external extensions that layers bring: every executable file ("Lambda Extensions API")."""
    try:
        names = sorted(os.listdir(EXTENSIONS))  # noqa: PTH208
    except OSError:
        return []
    return [name for name in names if os.path.isfile(f"{EXTENSIONS}/{name}")]  # noqa: PTH113
