"""Accounts: created at once, moved, described."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import invalid_input, refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.records import Creation
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.shapes import account_shape, creation_shape
from casemate.services.organizations.state import OrganizationsState, short_id
from casemate.services.organizations.tagging import requested_tags

_ACCESS_ROLE = "OrganizationAccountAccessRole"


@management_operation("CreateAccount", checks=on("CreateAccount"))
def create_account(ctx: Context[OrganizationsState], params: Params) -> Output:
    """AWS takes minutes and answers IN_PROGRESS; here the work is done before the answer."""
    role_name = params.get("RoleName") or _ACCESS_ROLE
    if role_name.startswith("AWSServiceRoleFor"):
        raise invalid_input("INVALID_ROLE_NAME")
    state, email, tags = ctx.state, params["Email"], requested_tags(params)
    creation = Creation(
        id=f"car-{short_id(ctx.random_bytes, 32)}",
        account_name=params["AccountName"],
        state="SUCCEEDED",
        requested=state.now(),
    )
    if any(node.email.lower() == email.lower() for node in state.nodes.values() if node.kind == "ACCOUNT"):
        creation = replace(creation, state="FAILED", failure="EMAIL_ALREADY_EXISTS")
    else:
        account = _unused_account_id(ctx)
        state.add_account(account, name=params["AccountName"], email=email, tags=tags)
        state.members.create_access_role(
            account=account,
            role_name=role_name,
            management_account=state.organization.management_account,
        )
        creation = replace(creation, account=account)
    state.creations.put((creation.id,), creation)
    return {"CreateAccountStatus": creation_shape(creation)}


def _unused_account_id(ctx: Context[OrganizationsState]) -> str:
    while True:
        account = f"{int.from_bytes(ctx.random_bytes(8), 'big') % 900_000_000_000 + 100_000_000_000}"
        if ctx.state.node(account) is None:
            return account


@management_operation("DescribeCreateAccountStatus", checks=on("DescribeCreateAccountStatus"))
def describe_create_account_status(ctx: Context[OrganizationsState], params: Params) -> Output:
    creation = ctx.state.creations.get(params["CreateAccountRequestId"])
    if creation is None:
        raise refusal("CreateAccountStatusNotFoundException")
    return {"CreateAccountStatus": creation_shape(creation)}


@management_operation("ListCreateAccountStatus", checks=on("ListCreateAccountStatus"))
def list_create_account_status(ctx: Context[OrganizationsState], params: Params) -> Output:
    states = params.get("States")
    creations = [each for each in ctx.state.creations.values() if not states or each.state in states]
    return paged(params, "CreateAccountStatuses", creations, key=lambda each: each.id, shape=creation_shape)


@management_operation("DescribeAccount", checks=on("DescribeAccount", "AccountId"))
def describe_account(ctx: Context[OrganizationsState], params: Params) -> Output:
    return {"Account": account_shape(ctx.state, lookups.account(ctx, params["AccountId"]))}


@management_operation("ListAccounts", checks=on("ListAccounts"))
def list_accounts(ctx: Context[OrganizationsState], params: Params) -> Output:
    accounts = [node for node in ctx.state.nodes.values() if node.kind == "ACCOUNT"]
    return paged(
        params,
        "Accounts",
        accounts,
        key=lambda account: account.id,
        shape=lambda account: account_shape(ctx.state, account),
    )


@management_operation("ListAccountsForParent", checks=on("ListAccountsForParent", "ParentId"))
def list_accounts_for_parent(ctx: Context[OrganizationsState], params: Params) -> Output:
    above = lookups.parent(ctx, params["ParentId"])
    return paged(
        params,
        "Accounts",
        [node for node in ctx.state.children(above.id) if node.kind == "ACCOUNT"],
        key=lambda account: account.id,
        shape=lambda account: account_shape(ctx.state, account),
    )


@management_operation(
    "MoveAccount", checks=on("MoveAccount", "AccountId", "SourceParentId", "DestinationParentId")
)
def move_account(ctx: Context[OrganizationsState], params: Params) -> Output:
    account = lookups.account(ctx, params["AccountId"])
    source = lookups.parent(ctx, params["SourceParentId"], missing="SourceParentNotFoundException")
    destination = lookups.parent(
        ctx, params["DestinationParentId"], missing="DestinationParentNotFoundException"
    )
    if account.parent == destination.id:
        raise refusal("DuplicateAccountException")
    if account.parent != source.id:
        raise refusal("SourceParentNotFoundException")
    ctx.state.put_node(replace(account, parent=destination.id))
    return {}
