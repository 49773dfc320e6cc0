"""AWS's texts for a denial, word for word.

Source: IAM User Guide, "Troubleshoot access denied error messages". Since 2026 an explicit denial names the policy:
`with an explicit deny in a service control policy: arn:aws:organizations::...`.
"""

from __future__ import annotations

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import PolicyType

_EXPLICIT = {
    PolicyType.RCP: "a resource control policy",
    PolicyType.SCP: "a service control policy",
    PolicyType.ENDPOINT: "a VPC endpoint policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "the role trust policy",
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
}
"""After `with an explicit deny in `."""

_QUOTES_RESOURCE = frozenset({"s3"})
"""Services that print the resource's ARN in double quotes."""
_OMITS_STAR = frozenset({"ec2", "s3"})
"""Services that leave `on resource: *` out for actions without resource-level permissions."""


def caller_name(principal: Principal) -> str:
    """What a denial calls the caller."""
    return "anonymous" if principal.kind is PrincipalKind.ANONYMOUS else principal.arn


def denial(
    *,
    caller: str,
    action: str,
    resource: str,
    decided_by: PolicyType,
    explicit: bool,
    policy_arn: str | None = None,
) -> str:
    """The text of a denial by a policy of type `decided_by`.

    `policy_arn` is the denying policy; it is printed for an explicit denial when it is an ARN.
    """
    text = f"User: {caller} is not authorized to perform: {action}{_on_resource(action, resource)}"
    if not explicit:
        return f"{text} because no {decided_by.value} allows the {action} action"
    text += f" with an explicit deny in {_EXPLICIT[decided_by]}"
    return f"{text}: {policy_arn}" if policy_arn and policy_arn.startswith("arn:") else text


def _on_resource(action: str, resource: str) -> str:
    service = action.partition(":")[0]
    if resource == "*" and service in _OMITS_STAR:
        return ""
    if service in _QUOTES_RESOURCE:
        return f' on resource: "{resource}"'
    return f" on resource: {resource}"
