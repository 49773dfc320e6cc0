"""The account as a whole: its alias, and what it holds."""

from __future__ import annotations

from casemate.policy.sizes import SIZE_LIMITS, PolicyUse
from casemate.servicekit.service import Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.errors import already_exists, no_such_entity
from casemate.services.iam.lookups import keys_of
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState


@operations.operation("CreateAccountAlias")
def create_account_alias(ctx: Context[IamState], params: Params) -> Output:
    alias = params["AccountAlias"]
    holders = {text: key[0] for key, text in ctx.state.aliases.items()}
    if holders.get(alias, ctx.account) != ctx.account:
        raise already_exists(f"The account alias {alias} already exists.")
    ctx.state.aliases.put((ctx.account,), alias)
    return {}


@operations.operation("ListAccountAliases")
def list_account_aliases(ctx: Context[IamState], _: Params) -> Output:
    alias = ctx.state.aliases.get(ctx.account)
    return {"AccountAliases": [] if alias is None else [alias], "IsTruncated": False}


@operations.operation("DeleteAccountAlias")
def delete_account_alias(ctx: Context[IamState], params: Params) -> Output:
    if ctx.state.aliases.get(ctx.account) != params["AccountAlias"]:
        raise no_such_entity(f"The account alias {params['AccountAlias']} cannot be found.")
    ctx.state.aliases.delete(ctx.account)
    return {}


@operations.operation("GetAccountSummary")
def get_account_summary(ctx: Context[IamState], _: Params) -> Output:
    """What is counted is counted; what Casemate does not have (server certificates, providers, ...) is none."""
    state, account = ctx.state, ctx.account
    devices = [device for device in state.mfa_devices.values() if device.account == account]
    policies = state.policies.values(account)
    return {
        "SummaryMap": {
            "Users": len(state.users.values(account)),
            "UsersQuota": quotas.USERS_PER_ACCOUNT,
            "Groups": len(state.groups.values(account)),
            "GroupsQuota": quotas.GROUPS_PER_ACCOUNT,
            "Roles": len(state.roles.values(account)),
            "RolesQuota": quotas.ROLES_PER_ACCOUNT,
            "InstanceProfiles": len(state.profiles.values(account)),
            "InstanceProfilesQuota": quotas.INSTANCE_PROFILES_PER_ACCOUNT,
            "Policies": len(policies),
            "PoliciesQuota": quotas.POLICIES_PER_ACCOUNT,
            "PolicySizeQuota": SIZE_LIMITS[PolicyUse.MANAGED].limit,
            "PolicyVersionsInUse": sum(len(policy.versions) for policy in policies),
            "PolicyVersionsInUseQuota": 10000,
            "VersionsPerPolicyQuota": quotas.VERSIONS_PER_POLICY,
            "AttachedPoliciesPerUserQuota": quotas.ATTACHED_POLICIES,
            "AttachedPoliciesPerGroupQuota": quotas.ATTACHED_POLICIES,
            "AttachedPoliciesPerRoleQuota": quotas.ATTACHED_POLICIES,
            "AccessKeysPerUserQuota": quotas.ACCESS_KEYS_PER_USER,
            "GroupsPerUserQuota": quotas.GROUPS_PER_USER,
            "UserPolicySizeQuota": SIZE_LIMITS[PolicyUse.USER_INLINE].limit,
            "GroupPolicySizeQuota": SIZE_LIMITS[PolicyUse.GROUP_INLINE].limit,
            "RolePolicySizeQuota": SIZE_LIMITS[PolicyUse.ROLE_INLINE].limit,
            "AssumeRolePolicySizeQuota": SIZE_LIMITS[PolicyUse.TRUST].limit,
            "AccountAccessKeysPresent": int(bool(keys_of(ctx, None))),
            "AccountMFAEnabled": 0,
            "AccountPasswordPresent": 0,
            "AccountSigningCertificatesPresent": 0,
            "MFADevices": len(devices),
            "MFADevicesInUse": sum(device.user is not None for device in devices),
            "Providers": 0,
            "ServerCertificates": 0,
        }
    }
