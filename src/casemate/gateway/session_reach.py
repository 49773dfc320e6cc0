"""What temporary credentials cannot call, whatever the policies say.

Sources: STS API Reference, GetSessionToken ("You cannot call any IAM API operations unless MFA authentication information
is included in the request. You cannot call any AWS STS API except AssumeRole or GetCallerIdentity") and
GetFederationToken (no IAM operations; no STS operations except GetCallerIdentity); IAM User Guide, "Compare AWS STS
credentials". IAM's answer is that to an unknown key (99designs/aws-vault issues 15 and 1056, aws/aws-sdk-js issue 460).
"""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.model.principals import Principal, PrincipalKind
from casemate.wire.sigv4_errors import Refusal, signature_error

_OF_A_USER = frozenset({"AssumeRole", "GetCallerIdentity"})
_OF_A_FEDERATED_USER = frozenset({"GetCallerIdentity"})
_OF_A_ROLE = frozenset({"GetSessionToken", "GetFederationToken"})
"""Those that a role's credentials cannot call."""


def refuse_out_of_reach(principal: Principal, service: str, operation: str) -> None:
    """Raise AwsError when the caller's session cannot call the operation at all."""
    if principal.token_issued is None or service not in ("iam", "sts"):
        return
    if service == "iam":
        if not _reaches_iam(principal):
            raise signature_error("query", Refusal.UNKNOWN_KEY)
    elif not _reaches_sts(principal, operation):
        raise AwsError("AccessDenied", f"Cannot call {operation} with session credentials", http_status=403)


def _reaches_iam(principal: Principal) -> bool:
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return False
    return principal.kind is PrincipalKind.ROLE_SESSION or principal.mfa_age_seconds is not None


def _reaches_sts(principal: Principal, operation: str) -> bool:
    if principal.kind is PrincipalKind.ROLE_SESSION:
        return operation not in _OF_A_ROLE
    if principal.kind is PrincipalKind.FEDERATED_USER:
        return operation in _OF_A_FEDERATED_USER
    return operation in _OF_A_USER
