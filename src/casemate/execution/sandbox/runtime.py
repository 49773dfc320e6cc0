"""Process 2 of an environment: becomes an unprivileged user and runs AWS's own runtime interface client."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from casemate.execution.sandbox import compiled, root, syscall_filter, syscalls

if TYPE_CHECKING:
    from collections.abc import Callable

# Lambda quotas: "File descriptors 1,024", "Execution processes/threads 1,024".
_LIMITS = (
    (resource.RLIMIT_NOFILE, 1024),
    (resource.RLIMIT_NPROC, 1024),
    (resource.RLIMIT_CORE, 0),
)


def run(description: dict[str, Any], log_fd: int, asked: int, granted: int) -> NoReturn:
    """Never returns."""
    try:
        _open_standard_streams(log_fd)
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(asked, b"\0")
        if os.read(granted, 1) != b"\0":
            os._exit(1)
        os.close(asked)
        os.close(granted)
        _shed_privileges()
        _limit()
        syscall_filter.install()
    except OSError as error:
        os.write(asked, str(error).encode())
        os._exit(1)
    os._exit(_run_function(description))


def _open_standard_streams(log_fd: int) -> None:
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.close(log_fd)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = io.TextIOWrapper(
            io.FileIO(number, "w"), encoding="utf-8", errors="backslashreplace", write_through=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _shed_privileges() -> None:
    # Rootless: setgroups is denied in the outer namespace, and there are no groups to drop.
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(root.GID, root.GID, root.GID)
    os.setresuid(root.UID, root.UID, root.UID)
    syscalls.drop_capabilities()
    syscalls.no_new_privileges()
    # Changing ids made this process undumpable, and so its own /proc/self unreadable.
    syscalls.allow_inspection()


def _limit() -> None:
    for kind, limit in _LIMITS:
        resource.setrlimit(kind, (limit, limit))


def _run_function(description: dict[str, Any]) -> int:
    """Run the function's runtime loop; gives the exit status."""
    os.environ.clear()
    os.environ.update(description["environment"])
    import time

    time.tzset()
    os.chdir("/var/task")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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

        run: Callable[[str, object], None] = bootstrap.run  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
        run(description["handler"], LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"]))
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
    return any(
        os.path.exists(f"{place}/{name}{suffix}")  # noqa: PTH110 - some dozen look-ups in every cold start
        for place in _search_path()[:3]
        for name in root.RUNTIME_LIBRARIES
        for suffix in ("", ".py")
    )


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
