"""What `casemate status` says of isolation is so, as root and rootless."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.support.instance import Instance


def test_status_says_what_keeps_functions_apart_and_what_does_not_without_root(instance: Instance) -> None:
    status = instance.ask(command="status")
    rootless = "kernel-userns" in status["network"]
    assert rootless == (os.geteuid() != 0)
    said = status["isolation"]
    assert said.startswith("namespaces, no capability, a filter of system calls; ")
    assert said.endswith("a user of its own") != rootless
    assert (f"uid {os.geteuid()}, as Casemate is" in said) == rootless


def test_casemate_may_have_more_descriptors_on_their_way_than_any_tenant(instance: Instance) -> None:
    """unix(7), ETOOMANYREFS: rootless they are one user, and the kernel counts by user."""
    assert instance.process is not None
    limits = Path(f"/proc/{instance.process.pid}/limits").read_text()
    [(soft, hard)] = re.findall(r"Max open files +(\d+) +(\d+)", limits)
    assert soft == hard
