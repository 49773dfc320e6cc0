"""A stopped process that does the system calls it is told to: ptrace(2). x86-64 only."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

MACHINE = "x86_64"
"""The machine whose registers and system calls this knows."""

# sys/ptrace.h, linux/elf.h
_SEIZE, _INTERRUPT, _DETACH, _SINGLESTEP = 0x4206, 0x4207, 17, 9
_GETREGSET, _SETREGSET, _GETSIGMASK, _SETSIGMASK = 0x4204, 0x4205, 0x420A, 0x420B
_OPTIONS_KILL_WITH_TRACER = 0x00100000
GENERAL, EXTENDED = 1, 0x202
"""Register sets: NT_PRSTATUS, NT_X86_XSTATE (floating point and vectors)."""

MMAP, MUNMAP, BRK, SIGACTION, SOCKET, CHDIR, UMASK, OPEN, CLOSE, DUP3, SEEK, ADVISE, CLOSE_RANGE = (
    9, 11, 12, 13, 41, 80, 95, 2, 3, 292, 8, 28, 436,
)  # fmt: skip
SOCKETPAIR, EPOLL_CREATE, EPOLL_CTL = 53, 291, 233
"""asm/unistd_64.h"""
_RECEIVE = 45
_SYSCALL = b"\x0f\x05"
_ORDER = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
    "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip
"""struct user_regs_struct."""
_ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
_NONE = (1 << 64) - 1
_ERESTARTSYS = -512 & _NONE
"""What `rax` holds while a system call that was interrupted waits to be begun again."""
_LARGEST_SET = 16384
_MOMENT, _PATIENCE = 0.0002, 10_000
_SIGNALS = 1000
"""That may come before one system call."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x}: {os.strerror(number)}")


class Tracee:
    """A child of ours that is stopped until the context ends. It has one thread."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        """For `os.pread` and `os.pwrite`, at addresses. Closed with the context."""
        self._gate = self._find_gate()
        self._registers = _unpack(self.registers(GENERAL))
        """Of before any call."""

    def _find_gate(self) -> int:
        """The address of a `syscall` instruction, in the kernel's own mapping, which nothing moves."""
        place = f"/proc/{self.pid}/maps"
        with open(place, "rb") as lines:  # noqa: PTH123 - pathlib is slow to start
            line = next((line for line in lines if line.split(maxsplit=5)[5:] == [b"[vdso]\n"]), None)
        if line is None:
            raise OSError("the process has no vdso any more")
        start, end = (int(edge, 16) for edge in line.split(maxsplit=1)[0].split(b"-"))
        found = os.pread(self.memory, end - start, start).find(_SYSCALL)
        if found < 0:
            raise OSError("the kernel's vdso has no system call in it")
        return start + found

    def registers(self, kind: int) -> bytes:
        """A register set as the kernel has it."""
        size = _LARGEST_SET if kind == EXTENDED else len(_ORDER) * 8
        buffer = ctypes.create_string_buffer(size)
        vector = _Vector(ctypes.addressof(buffer), size)
        _ptrace(_GETREGSET, self.pid, kind, ctypes.addressof(vector))
        return buffer.raw[: vector.length or 0]

    def set_registers(self, kind: int, content: bytes) -> None:
        """Go on from there."""
        buffer = ctypes.create_string_buffer(content, len(content))
        vector = _Vector(ctypes.addressof(buffer), len(content))
        _ptrace(_SETREGSET, self.pid, kind, ctypes.addressof(vector))

    @property
    def blocked_signals(self) -> int:
        """The signal mask."""
        mask = ctypes.c_uint64()
        _ptrace(_GETSIGMASK, self.pid, 8, ctypes.addressof(mask))
        return mask.value

    @blocked_signals.setter
    def blocked_signals(self, blocked: int) -> None:
        mask = ctypes.c_uint64(blocked)
        _ptrace(_SETSIGMASK, self.pid, 8, ctypes.addressof(mask))

    def call(self, number: int, *arguments: int) -> int:
        """Let it do a system call; its result. OSError when that fails. Its registers are left as they are then."""
        registers = self._registers | {"rax": number, "rip": self._gate, "orig_rax": _NONE}
        registers |= dict(zip(_ARGUMENTS, (one & _NONE for one in arguments), strict=False))
        self.set_registers(GENERAL, _pack(registers))
        for _ in range(_SIGNALS):
            _ptrace(_SINGLESTEP, self.pid)
            _await_stop(self.pid)
            left = _unpack(self.registers(GENERAL))
            if left["rip"] != self._gate:
                break
            # Stopped before the call, by a signal, which is lost with this: timers are not in snapshots.
        else:
            raise OSError("signals without end")
        result = left["rax"]
        if result > _NONE - 4096:
            error = _NONE + 1 - result
            raise OSError(error, f"system call {number}: {os.strerror(error)}")
        return result


@contextmanager
def traced(pid: int) -> Generator[Tracee]:
    """Stop that child, and let it go on at the end from where its registers then say. OSError."""
    _ptrace(_SEIZE, pid, 0, _OPTIONS_KILL_WITH_TRACER)
    try:
        _ptrace(_INTERRUPT, pid)
        _await_first_stop(pid)
        tracee = Tracee(pid)
        try:
            yield tracee
        finally:
            os.close(tracee.memory)
    finally:
        with suppress(OSError):  # it has ended, or has not even stopped: it ends with us then
            _ptrace(_DETACH, pid)


def is_receiving(general: bytes) -> bool:
    """Whether these are the registers of a process that waits in a receive."""
    registers = _unpack(general)
    return registers["orig_rax"] == _RECEIVE and registers["rax"] == _ERESTARTSYS


def having_received_nothing(general: bytes) -> bytes:
    """The registers of a process that waits in a receive, as when that had found the end of the file."""
    # Without the number of the system call, or the kernel begins it again.
    return _pack(_unpack(general) | {"rax": 0, "orig_rax": _NONE})


def _await_first_stop(pid: int) -> None:
    """As `_await_stop`, not for ever: a process that waits for one it has forked with vfork(2) does not stop."""
    for _ in range(_PATIENCE):
        if os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            _await_stop(pid)
            return
        time.sleep(_MOMENT)
    raise OSError("the process does not stop")


def _await_stop(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise OSError("the process ended while it was traced")


def _unpack(content: bytes) -> dict[str, int]:
    return dict(zip(_ORDER, struct.unpack(f"={len(_ORDER)}Q", content), strict=True))


def _pack(registers: dict[str, int]) -> bytes:
    return struct.pack(f"={len(_ORDER)}Q", *(registers[name] for name in _ORDER))
