"""AWS's order: from what each layer said to what is decided.

Source: IAM User Guide, "How AWS enforcement code logic evaluates requests" and "Cross-account policy evaluation
logic". The combination, in the order of the code below:

1. An explicit deny in any policy decides.
2. Ceilings, each of which must allow: every level of SCPs, and the policy of the VPC endpoint the request came through.
   RCPs only deny: RCPFullAWSAccess is attached everywhere and cannot be detached.
3. The resource's policy must allow from another account, for a caller without identity policies (a service, an
   anonymous caller), and for roles (trust policy) and KMS keys.
4. What the resource's policy overrides in the same account, by how directly it names the caller (`Grant`).
5. Identity policies, permissions boundary, session policies: each that is left must allow.
"""

from __future__ import annotations

from functools import lru_cache

from casemate.policy.decision import LayerTrace, PolicyType, StatementTrace
from casemate.policy.layers import Layer
from casemate.policy.principals import Grant

DENY_ORDER = (
    PolicyType.SCP,
    PolicyType.RCP,
    PolicyType.ENDPOINT,
    PolicyType.RESOURCE,
    PolicyType.TRUST,
    PolicyType.IDENTITY,
    PolicyType.BOUNDARY,
    PolicyType.SESSION,
)
"""Which explicit deny is reported when several apply. AWS reports one and does not document which; from the widest
guardrail to the narrowest policy, so that what is reported is what the caller can least change."""

Layers = tuple[Layer, ...]
Standing = tuple[bool, bool, bool]
"""Caller and resource are of one account; the resource's policy must allow whatever the account; the caller has no
identity policies."""


class Combined:
    """What the layers say together: a function of their answers, the same object for the same answers."""

    __slots__ = ("allowing_statement", "deciding", "traces")

    def __init__(
        self, deciding: Layer | None, traces: tuple[LayerTrace, ...], allowing: StatementTrace | None
    ) -> None:
        self.deciding = deciding
        """The layer that refuses; None when the request is allowed."""
        self.traces = traces
        """In the order of evaluation."""
        self.allowing_statement = allowing
        """Of the identity policies where they allow, else of the resource's policy."""


@lru_cache(maxsize=4096)
def combine(
    rcps: Layers, scps: Layers, others: tuple[Layer, Layer, Layer, Layer, Layer], standing: Standing
) -> Combined:
    """The layers combined; `others` are endpoint, resource, identity, boundary and session.

    Layers are compared by identity, and a layer that gives an answer again gives the same object: most requests find
    their combination here.
    """
    _, resource, identity, _, _ = others
    ordered = (*rcps, *scps, *others)
    return Combined(
        _explicit_deny(ordered) or _first_block(scps, others, standing),
        tuple([layer.trace for layer in ordered]),
        identity.allow or resource.allow,
    )


def _explicit_deny(ordered: Layers) -> Layer | None:
    """The layer whose explicit deny is reported; None when nothing denies."""
    denying = [layer for layer in ordered if layer.deny is not None]
    if not denying:
        return None
    return min(denying, key=lambda layer: DENY_ORDER.index(layer.trace.type))


def _first_block(
    scps: Layers, others: tuple[Layer, Layer, Layer, Layer, Layer], standing: Standing
) -> Layer | None:
    """The first layer that had to allow and did not; None when the request is allowed."""
    endpoint, resource, identity, boundary, session = others
    same_account, must_allow, without_identity = standing
    for ceiling in (*scps, endpoint):
        if ceiling.blocks:
            return ceiling
    granted = resource.grant
    if granted is Grant.NONE and (must_allow or without_identity or not same_account):
        return resource
    if without_identity:
        return None
    overridden = granted if same_account else Grant.NONE
    if overridden is Grant.DIRECT:
        return None
    if overridden < Grant.ROLE and identity.blocks:
        return identity
    if boundary.blocks:
        return boundary
    return session if session.blocks else None
