"""Session policies: documents that travel with a principal, parsed once however many requests it makes."""

from __future__ import annotations

from functools import lru_cache

from casemate.model.principals import Principal
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.parser import parse_policy

SESSION_LABEL = "session policy"


@lru_cache(maxsize=4096)
def _parsed(document: str) -> Policy:
    return parse_policy(document, kind=PolicyType.SESSION, label=SESSION_LABEL)


def session_policies(principal: Principal) -> tuple[Policy, ...]:
    """The parsed session policies of `principal`; the same objects for the same documents.

    STS refused malformed ones when the session was made, so MalformedPolicy here is a defect of the caller.
    """
    return tuple([_parsed(document) for document in principal.session_policies])
