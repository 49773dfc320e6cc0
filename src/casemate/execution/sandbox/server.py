"""Stage two of the fork-server: import what functions import, then fork one environment per request.

Protocol on descriptor 3 (SEQPACKET): a request is an environment's number, with three descriptors: its network
namespace, its control socket, its log pipe. Answers: `ready PYTHON-VERSION` once, `started NUMBER PID`,
`gone NUMBER` when every process of an environment has ended. What an environment runs is not said here but on its own
control socket, so that no environment inherits another one's credentials in its memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import sys

from casemate.execution.sandbox import compiled, init, sdk_memory, syscalls

CONTROL_FD = 3
_PRELOADED = (
    "ast", "base64", "bisect", "bz2", "calendar", "concurrent.futures", "contextvars", "csv", "ctypes", "dataclasses",
    "datetime", "decimal", "email.message", "email.parser", "enum", "fractions", "functools", "gzip", "hashlib",
    "heapq", "hmac", "html", "http.client", "http.cookies", "importlib.metadata", "inspect", "io", "ipaddress", "json",
    "logging", "logging.config", "lzma", "math", "mimetypes", "operator", "pathlib", "pickle", "pprint", "queue",
    "random", "re", "secrets", "shlex", "shutil", "socket", "ssl", "statistics", "string", "struct", "subprocess",
    "tempfile", "textwrap", "threading", "time", "traceback", "types", "typing", "unicodedata", "urllib.parse",
    "urllib.request", "uuid", "warnings", "weakref", "xml.etree.ElementTree", "zipfile", "zlib", "zoneinfo",
    "awslambdaric", "awslambdaric.lambda_context", "awslambdaric.lambda_literals",
    "awslambdaric.lambda_runtime_exception", "awslambdaric.lambda_runtime_hooks_runner",
    "awslambdaric.lambda_runtime_marshaller", "awslambdaric.lambda_runtime_log_utils", "simplejson", "snapshot_restore_py",
    "boto3", "boto3.dynamodb.conditions", "boto3.dynamodb.types", "boto3.resources.factory", "botocore.session",
    "botocore.stub", "s3transfer",
)  # fmt: skip
"""Not here: awslambdaric.bootstrap and .lambda_runtime_client, which read the environment when they are imported."""


def main() -> None:
    """Serve until the front door closes the control socket."""
    _preload()
    control = socket.socket(fileno=CONTROL_FD)
    control.send(f"ready {sys.version_info.major}.{sys.version_info.minor}".encode())
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    children: dict[int, str] = {}
    while True:
        readable, _, _ = select.select([control, wake_read], [], [])
        if wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
            _reap(control, children)
        if control in readable:
            message, descriptors, _, _ = socket.recv_fds(control, 64, 3)
            if not message:
                os._exit(0)  # every process 1 is told to die with this process
            number = message.decode()
            pid = _fork(int(number), descriptors)
            children[pid] = number
            control.send(f"started {number} {pid}".encode())


def _fork(number: int, descriptors: list[int]) -> int:
    """Fork process 1 of an environment, in namespaces of its own."""
    pid = syscalls.fork_into(
        syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
    )
    if pid == 0:
        init.run(number, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _reap(control: socket.socket, children: dict[int, str]) -> None:
    while children:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        try:
            control.send(f"gone {children.pop(pid)}".encode())
        except OSError:
            os._exit(0)  # the front door has closed meanwhile


def _preload() -> None:
    for name in _PRELOADED:
        with contextlib.suppress(ImportError):  # an interpreter may be built without lzma, for one
            __import__(name)
    sdk_memory.install(_warm_boto3)
    compiled.prepare()
    with contextlib.suppress(OSError):
        ctypes.CDLL("libstdc++.so.6")  # what the runtime interface client's extension is linked with
    gc.collect()
    # Garbage collection would otherwise write to, and so copy, every shared page in each environment.
    gc.freeze()


def _warm_boto3() -> None:
    """Make one client, so that everything it imports and compiles lazily is there. Nothing is sent."""
    import boto3

    session = boto3.session.Session(
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 - not a secret
        region_name="us-east-1",
    )
    session.resource("dynamodb")  # pyright: ignore[reportUnknownMemberType] - the stubs know more than is installed
