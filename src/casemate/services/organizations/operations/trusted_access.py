"""Trusted access: which services may act in every account. Recorded; no service of Casemate acts on it."""

from __future__ import annotations

import re

from msgspec.structs import replace

from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import invalid_input
from casemate.services.organizations.paging import paged
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.state import OrganizationsState

_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")


def _on(action: str) -> Checks[OrganizationsState]:
    def checks(_: Context[OrganizationsState], params: Params) -> tuple[Check, ...]:
        context = {"organizations:ServicePrincipal": str(params["ServicePrincipal"])}
        return (Check(action=f"organizations:{action}", context=context),)

    return checks


@management_operation("EnableAWSServiceAccess", checks=_on("EnableAWSServiceAccess"))
def enable_aws_service_access(ctx: Context[OrganizationsState], params: Params) -> Output:
    principal, organization = params["ServicePrincipal"], ctx.state.organization
    if not _SERVICE.fullmatch(principal):
        raise invalid_input("UNRECOGNIZED_SERVICE_PRINCIPAL")
    trusted = {principal: ctx.state.now(), **organization.trusted}
    ctx.state.put_organization(replace(organization, trusted=trusted))
    return {}


@management_operation("DisableAWSServiceAccess", checks=_on("DisableAWSServiceAccess"))
def disable_aws_service_access(ctx: Context[OrganizationsState], params: Params) -> Output:
    organization = ctx.state.organization
    trusted = {key: since for key, since in organization.trusted.items() if key != params["ServicePrincipal"]}
    ctx.state.put_organization(replace(organization, trusted=trusted))
    return {}


@management_operation("ListAWSServiceAccessForOrganization", checks=on("ListAWSServiceAccessForOrganization"))
def list_aws_service_access_for_organization(ctx: Context[OrganizationsState], params: Params) -> Output:
    return paged(
        params,
        "EnabledServicePrincipals",
        ctx.state.organization.trusted.items(),
        key=lambda item: item[0],
        shape=lambda item: {"ServicePrincipal": item[0], "DateEnabled": item[1]},
    )
