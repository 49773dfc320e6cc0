"""A Python function: AWS's own runtime interface client, in the process that was forked."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from casemate.execution.sandbox import compiled, plan, programs, root, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from casemate.execution.sandbox.snapshot.parking import ParkingPlace

_FRAMES = {"_LAMBDA_TELEMETRY_LOG_FD": "1"}
"""Where AWS's client writes what is logged, each event in a frame: see `execution.log_events`. It forgets the name."""


def run(description: dict[str, Any], parking: ParkingPlace | None = None) -> int:
    """Run the function's runtime loop; gives the exit status. `parking`: where a snapshot is taken, or arrives."""
    environment: dict[str, str] = description["environment"]
    interpreter = "/var/lang/bin/python{}.{}".format(*sys.version_info)
    if "AWS_LAMBDA_EXEC_WRAPPER" in environment:
        path = {"PYTHONPATH": ":".join(_search_path()[1:4])}
        programs.wrapped(
            [interpreter, "-m", "awslambdaric", description["handler"]], environment | path | _FRAMES
        )
    tenant.started()
    if parking is not None and description["snapshot"] == plan.RESTORE:
        parking.wait()
        return 1  # only when there was nothing to restore: else it is the snapshot that goes on
    os.environ.clear()
    os.environ.update(environment | _FRAMES)
    import time

    time.tzset()
    sys.argv = ["/var/runtime/bootstrap.py"]
    sys.path[:] = _search_path()
    brought_along = _modules_brought_along()
    finder = contextlib.nullcontext() if brought_along else compiled.used()
    _forget_modules(brought_along)
    gc.enable()
    try:
        # Only now: these read the environment when they are imported (the address of the runtime API, log settings).
        with finder:
            from awslambdaric import bootstrap
            from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

        loop: Callable[[str, object], None] = bootstrap.run  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
        client = LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
        if parking is not None:
            # What it calls between the hooks before a snapshot and those after: GET /runtime/restore/next on AWS.
            client.restore_next = parking.wait
        loop(description["handler"], client)
    except SystemExit as leaving:
        return _status(leaving.code)
    except BaseException as error:
        import traceback

        # Without this frame: on AWS there is none above the runtime interface client's.
        traceback.print_exception(type(error), error, error.__traceback__ and error.__traceback__.tb_next)
        return 1
    return 0


def _modules_brought_along() -> bool:
    """Whether the package or a layer has its own copy of a library that is already imported: that copy counts."""
    libraries = {f"{name}{suffix}" for name in root.RUNTIME_LIBRARIES for suffix in ("", ".py")}
    for place in _search_path()[:3]:
        with contextlib.suppress(OSError):  # there are no layers, usually
            if not libraries.isdisjoint(os.listdir(place)):  # noqa: PTH208 - names are enough
                return True
    return False


def _forget_modules(libraries: bool) -> None:  # noqa: FBT001
    """Forget this package, and the runtime's libraries too if the function is to import its own."""
    forgotten = {"casemate", *(root.RUNTIME_LIBRARIES if libraries else ())}
    for name in [name for name in sys.modules if name.split(".")[0] in forgotten]:
        del sys.modules[name]


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _search_path() -> list[str]:
    """AWS's order: the function, its layers, the runtime's libraries, the standard library."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    standard = [path for path in sys.path if path.startswith("/var/lang")]
    layers = [f"/opt/python/lib/{version}/site-packages", "/opt/python"]
    return ["/var/task", *layers, "/var/runtime", *standard]
