"""Stage one of the fork-server: `python -m casemate.execution.sandbox.forkserver PLAN`, a `plan.RootPlan` in JSON.

Started by the network helper (so that it has rights over the environments' network namespaces), with the control
socket as descriptor 3. Builds the shared root, enters it, and executes stage two there, so that not even the paths of
the host's modules are known in a process that runs functions.
"""

from __future__ import annotations

import os
import signal
import sys

from casemate.execution.sandbox import root, syscalls
from casemate.execution.sandbox.plan import RootPlan

CONTROL_FD = 3
LIBRARY_PATH = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)
_STAGE_TWO = (
    f"import sys; sys.path.insert(0, {root.SANDBOX!r}); sys.path.append('/var/runtime');"
    " from casemate.execution.sandbox.server import main; main()"
)


def main(arguments: list[str]) -> None:
    """Build, enter, execute. Never returns."""
    syscalls.die_with_parent(signal.SIGKILL)
    os.closerange(CONTROL_FD + 1, 1024)  # whatever the helper may have had open besides
    os.set_inheritable(CONTROL_FD, True)
    os.umask(0o022)  # not the front door's: the function's user reads what is made here
    plan = RootPlan.from_json(arguments[0])
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    root.build(plan)
    syscalls.enter_root(str(plan.base))
    interpreter = "/var/lang/bin/python{}.{}".format(*plan.version)
    environment = {
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LD_LIBRARY_PATH": LIBRARY_PATH,
    }
    # -I -S: nothing of a user's or a site's configuration. UTF-8 whether or not the locale is installed.
    os.execve(interpreter, [interpreter, "-I", "-S", "-X", "utf8", "-c", _STAGE_TWO], environment)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
