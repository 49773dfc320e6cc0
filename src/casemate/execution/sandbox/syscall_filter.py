"""The system calls that functions do not have: a seccomp filter, as containers have it by default.

Nothing here is needed to keep a function in its namespaces. It takes away what is shared with the machine in spite of
them (key rings: a rootless function has the user's own), what evades the measuring of memory (file systems mounted in a
user namespace of its own), and what is known for kernel bugs rather than for use in functions. They fail with EPERM,
as Docker's default profile has them fail; clone3, whose flags a filter cannot see, with ENOSYS, upon which the C
library uses clone.

Nor may process 1 be named where the kernel asks for nothing but the same user, which it is when Casemate runs rootless:
to signal it, or to change its limits. Other numbers name nobody outside the function's own process-id namespace.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from casemate.execution.sandbox import syscalls

_REFUSED = {
    # name: (x86_64, the generic table of aarch64 and riscv64); asm/unistd.h
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104), "syslog": (103, 116),
}  # fmt: skip
_REFUSED_TO_PROCESS_1 = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "prlimit64": (302, 261),
}  # fmt: skip
"""The first argument of all of them is a process id."""
_CLONE = (56, 220)
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEW*: mount, cgroup, UTS, IPC, user, process id, network."""
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1), "riscv64": (0xC00000F3, 1)}
"""AUDIT_ARCH_*, and the column above: linux/audit.h."""
_X32 = 0x40000000

# linux/bpf_common.h, linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in struct seccomp_data; the lower half of an argument comes first on these machines."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def program(machine: str) -> bytes:
    """The filter for a machine, as struct sock_filter[]. KeyError when its numbers are not known."""
    architecture, column = _ARCHITECTURES[machine]
    refuse, absent = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, absent),  # a 32-bit call: other numbers
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, absent),
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, absent),
    ]
    for numbers in _REFUSED.values():
        lines += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, refuse)]
    for numbers in _REFUSED_TO_PROCESS_1.values():
        lines += [
            (_EQUAL, 0, 4, numbers[column]),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_EQUAL, 0, 1, 1),
            (_RETURN, 0, 0, refuse),
            (_RETURN, 0, 0, _ALLOW),
        ]
    lines += [
        (_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def install() -> None:
    """For this process and all its children, for ever. After `no_new_privileges`. OSError when it cannot be."""
    instructions = program(os.uname().machine)
    syscalls.filter_system_calls(ctypes.byref(_Program(len(instructions) // 8, instructions)))
