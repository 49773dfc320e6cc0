"""What an analysis may not see: resources of other accounts.

Source: Reachability Analyzer guide, "Required API permissions" (it describes resources as the caller), "Cross-account
analyses" (those of other accounts: the management account's and a delegated administrator's, once trust is enabled, which
is not modelled) and "Troubleshooting" (the status message); EC2 API reference, NetworkInsightsAnalysis (SuggestedAccounts:
potential intermediate accounts).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from casemate.model.arns import Arn
from casemate.services.ec2.insights.findings import Findings


def inaccessible(findings: Findings, account: str) -> dict[str, str]:
    """Resource -> account of what the way passes and `account` cannot describe, in the way's order.

    A peering connection is both sides', and each side sees which VPCs it joins.
    """
    found: dict[str, str] = {}
    for component in _components([*findings.forward, *findings.back, *findings.explanations]):
        owner = Arn.parse(component["Arn"]).account
        if owner not in (account, "") and not component["Id"].startswith("pcx-"):
            found[component["Id"]] = owner
    return found


def _components(part: object) -> Iterator[dict[str, Any]]:
    """Everything that is named by id and ARN, but for the two sides of a peering connection."""
    if isinstance(part, list):
        for each in cast("list[object]", part):
            yield from _components(each)
    elif isinstance(part, dict):
        members = cast("dict[str, Any]", part)
        if "Id" in members and "Arn" in members:
            yield members
        for name, each in members.items():
            if name not in ("SourceVpc", "DestinationVpc"):
                yield from _components(each)
