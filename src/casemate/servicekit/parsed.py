"""Policy documents, parsed once: the same Policy object comes back as long as its text is the same."""

from __future__ import annotations

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.parser import parse_policy

_MOST_KEPT = 20_000


class ParsedPolicies:
    """A cache of parsed policies by label. The engine's own caches go by the identity of what this gives out."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, PolicyType], Policy] = {}

    def policy(self, document: str, *, kind: PolicyType, label: str, managed: bool = False) -> Policy:
        """Parse `document`, or give the Policy of the last time; MalformedPolicy when it is not a policy. `managed` as in `parse_policy`."""
        kept = self._kept.get((label, kind))
        if kept is not None and kept.document == document:
            return kept
        parsed = parse_policy(document, kind=kind, label=label, managed=managed)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[label, kind] = parsed
        return parsed
