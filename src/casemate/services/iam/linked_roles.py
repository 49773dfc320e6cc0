"""How a service-linked role comes to be: by CreateServiceLinkedRole, or because its service needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casemate.model.ids import unique_id
from casemate.servicekit.service import Check, Context
from casemate.services.iam.entities import ROLES, creation_time
from casemate.services.iam.linked_services import linked_services, trust_of
from casemate.services.iam.state import IamState, Role

PREFIX = "/aws-service-role/"


def role_path(service: str) -> str:
    """The path of a service's roles."""
    return f"{PREFIX}{service}/"


def new_linked_role(ctx: Context[IamState], service: str, name: str, description: str | None) -> Role:
    """Put a role on record for a service that `linked_services` knows."""
    role = Role(
        account=ctx.account,
        name=name,
        path=role_path(service),
        id=unique_id("AROA", ctx.random_bytes),
        created=creation_time(ctx),
        trust=trust_of(service),
        description=description,
        attached=(linked_services()[service].policy_arn,),
    )
    ROLES.put(ctx, role)
    return role


class IamServiceLinkedRoles:
    """Implements the port `ServiceLinkedRoles`."""

    def __init__(self, state: IamState) -> None:
        self._state = state

    def ensure(self, ctx: Context[Any], service: str) -> None:
        name = linked_services()[service].role_name(None)
        if (ctx.account, name.lower()) in self._state.roles:
            return
        resource = ctx.arn("iam", f"role{role_path(service)}{name}", region="")
        context = {"iam:AWSServiceName": service}
        ctx.authorize(Check(action="iam:CreateServiceLinkedRole", resource=resource, context=context))
        new_linked_role(replace(ctx, state=self._state), service, name, None)
