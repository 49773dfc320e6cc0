"""No data plane: everything of the control plane works, nothing of the network is enforced, no function runs.

Chosen with `--dataplane off`, or by `auto` on a machine that lacks what the kernel data plane needs; start-up and
`casemate status` say so plainly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from casemate.model.errors import AwsError
from casemate.model.flows import FlowCount
from casemate.model.network import NetworkSnapshot, VpcSnapshot


class NoDataplane:
    """Stands where `KernelDataplane` would."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def apply(self, snapshot: NetworkSnapshot) -> None:
        """Nothing holds it."""

    async def attach_environment(self, interface_id: str | None) -> NoReturn:
        """AwsError: a function's environment needs a network namespace."""
        del interface_id
        raise AwsError(
            "ServiceException",
            f"Functions cannot run: the network data plane is off ({self.why})",
            http_status=500,
            fault="server",
        )

    async def detach_environment(self, token: str) -> None:
        """Nothing was attached."""

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> NoReturn:
        """AwsError, as for `attach_environment`."""
        del argv, env, fds
        await self.attach_environment(None)

    async def interface_namespace(self, interface_id: str) -> NoReturn:
        """RuntimeError: there are no namespaces."""
        raise RuntimeError(f"{interface_id} has no namespace: the network data plane is off ({self.why})")

    async def counters(self, vpc_id: str) -> dict[str, Any]:
        """Nothing is counted."""
        del vpc_id
        return {}

    async def flows(self, vpc: VpcSnapshot) -> list[FlowCount]:
        """Nothing flows."""
        del vpc
        return []

    async def close(self) -> None:
        """Nothing to end."""
