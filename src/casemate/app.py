"""The only file that wires things together: from options to a serving Casemate, and back to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal

from casemate import __version__
from casemate.dataplane.kernel.client import KernelDataplane
from casemate.dataplane.kernel.detect import detect
from casemate.dataplane.off import NoDataplane
from casemate.dataplane.reconciler import Reconciler
from casemate.execution.supervisor import Settings, Supervisor
from casemate.gateway.authorization import Authorizer, PolicySources
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.control import CommandError, ControlServer
from casemate.gateway.data_directory import DataDirectory, InUseError
from casemate.gateway.explanation import Explainer, Question
from casemate.gateway.front import Front
from casemate.gateway.journal import Journal
from casemate.gateway.pipeline import Pipeline
from casemate.model.principals import Principal
from casemate.servicekit.clock import system_clock
from casemate.servicekit.ports import Credential, Credentials
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.wire.models import ServiceModels

_log = logging.getLogger(__name__)

MANAGEMENT_ACCOUNT = "111111111111"
WORKLOAD_ACCOUNT = "000000000000"
ACCOUNTS = (MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT)
LAPTOP = IPv4Address("127.0.0.1")


class StartError(Exception):
    """Casemate cannot start; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `casemate up` was asked."""

    port: int
    data: Path
    ephemeral: bool = False
    dataplane: Literal["auto", "kernel", "off"] = "auto"
    accept_any_credentials: bool = False
