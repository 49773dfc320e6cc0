"""What no account of Casemate ever has, and what IAM answers about it. Tools ask before they delete a user.

Making any of these is not implemented, so that "there are none" is always the truth.
"""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Context, Handler, Output, Params
from casemate.services.iam.entities import USERS, own_user_checks, own_user_name
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


for _name, _member, _paged in (
    ("ListSSHPublicKeys", "SSHPublicKeys", True),
    ("ListSigningCertificates", "Certificates", True),
    ("ListServiceSpecificCredentials", "ServiceSpecificCredentials", False),
):
    operations.operation(_name, checks=own_user_checks(_name))(_none_of_user(_member, paged=_paged))

for _name, _member, _paged in (
    ("ListOpenIDConnectProviders", "OpenIDConnectProviderList", False),
    ("ListSAMLProviders", "SAMLProviderList", False),
    ("ListServerCertificates", "ServerCertificateMetadataList", True),
):
    operations.operation(_name)(_none_of_user(_member, paged=_paged))


def _no_login_profile(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, {"UserName": own_user_name(ctx, params)})
    raise no_such_entity(f"Login Profile for User {user.name} cannot be found.")


operations.operation("GetLoginProfile", checks=own_user_checks("GetLoginProfile"))(_no_login_profile)
operations.operation("DeleteLoginProfile", checks=own_user_checks("DeleteLoginProfile"))(_no_login_profile)


@operations.operation("GetAccountPasswordPolicy")
def get_account_password_policy(ctx: Context[IamState], _: Params) -> Output:
    raise no_such_entity(f"The Password Policy with domain name {ctx.account} cannot be found.")
