"""What no account of Casemate ever has, and what IAM answers about it. Tools ask before they delete a user.

Making any of these is not implemented, so that "there are none" is always the truth.
"""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Context, Handler, Output, Params
from casemate.services.iam.entities import USERS
from casemate.services.iam.errors import no_such_entity
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState


def _none_of_user(member: str, *, paged: bool) -> Handler[IamState]:
    def list_nothing(ctx: Context[IamState], params: Params) -> Output:
        if params.get("UserName") is not None:
            USERS.named(ctx, params)
        output: dict[str, Any] = {member: []}
        return {**output, "IsTruncated": False} if paged else output

    return list_nothing


operations.operation("ListMFADevices")(_none_of_user("MFADevices", paged=True))
operations.operation("ListVirtualMFADevices")(_none_of_user("VirtualMFADevices", paged=True))
operations.operation("ListSSHPublicKeys")(_none_of_user("SSHPublicKeys", paged=True))
operations.operation("ListSigningCertificates")(_none_of_user("Certificates", paged=True))
operations.operation("ListServiceSpecificCredentials")(
    _none_of_user("ServiceSpecificCredentials", paged=False)
)
operations.operation("ListOpenIDConnectProviders")(_none_of_user("OpenIDConnectProviderList", paged=False))
operations.operation("ListSAMLProviders")(_none_of_user("SAMLProviderList", paged=False))
operations.operation("ListServerCertificates")(_none_of_user("ServerCertificateMetadataList", paged=True))


def _no_login_profile(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, {"UserName": params.get("UserName") or ctx.principal.user_name or ""})
    raise no_such_entity(f"Login Profile for User {user.name} cannot be found.")


operations.operation("GetLoginProfile")(_no_login_profile)
operations.operation("DeleteLoginProfile", checks=USERS.checks("DeleteLoginProfile"))(_no_login_profile)


@operations.operation("GetAccountPasswordPolicy")
def get_account_password_policy(ctx: Context[IamState], _: Params) -> Output:
    raise no_such_entity(f"The Password Policy with domain name {ctx.account} cannot be found.")
