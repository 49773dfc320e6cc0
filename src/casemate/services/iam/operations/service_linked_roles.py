"""Service-linked roles: made for a service, which alone may assume them; SCPs and RCPs do not bind them.

Source: IAM User Guide, "Create a service-linked role"; API Reference of the three operations. Deleting is a task at AWS;
here nothing of a service ever hangs on such a role, so the task has succeeded when it is submitted.
"""

from __future__ import annotations

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import ROLES
from casemate.services.iam.errors import invalid_input, no_such_entity, not_found, quota_exceeded
from casemate.services.iam.linked_roles import PREFIX, new_linked_role, role_path
from casemate.services.iam.linked_services import LinkedService, linked_services
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import full_role_shape
from casemate.services.iam.state import DeletionTask, IamState


def _create_checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
    service = str(params["AWSServiceName"])
    known = linked_services().get(service)
    name = known.role_name(params.get("CustomSuffix")) if known else "*"
    resource = ctx.arn("iam", f"role{role_path(service)}{name}", region="")
    context = {"iam:AWSServiceName": service}
    return (Check(action="iam:CreateServiceLinkedRole", resource=resource, context=context),)


def _named_service(params: Params) -> LinkedService:
    service, suffix = str(params["AWSServiceName"]), params.get("CustomSuffix")
    known = linked_services().get(service)
    if known is None:
        raise invalid_input(f"Casemate knows no service-linked role of {service}.")
    if suffix and not known.suffix:
        raise invalid_input(f"Custom suffix is not allowed for {service}")
    return known


@operations.operation("CreateServiceLinkedRole", checks=_create_checks)
def create_service_linked_role(ctx: Context[IamState], params: Params) -> Output:
    service = str(params["AWSServiceName"])
    known = _named_service(params)
    name = known.role_name(params.get("CustomSuffix"))
    if (ctx.account, name.lower()) in ctx.state.roles:
        raise invalid_input(
            f"Service role name {name} has been taken in this account, please try a different suffix."
        )
    if len(ctx.state.roles.values(ctx.account)) >= quotas.ROLES_PER_ACCOUNT:
        raise quota_exceeded("RolesPerAccount", quotas.ROLES_PER_ACCOUNT)
    return {"Role": full_role_shape(new_linked_role(ctx, service, name, params.get("Description")))}


@operations.operation("DeleteServiceLinkedRole", checks=ROLES.checks("DeleteServiceLinkedRole"))
def delete_service_linked_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    if not role.is_service_linked:
        raise not_found("Role", role.name)
    ctx.state.roles.delete(ctx.account, role.name.lower())
    ctx.state.last_uses.delete(role.id)
    service = role.path.removeprefix(PREFIX).rstrip("/")
    task = f"task{PREFIX}{service}/{role.name}/{ctx.new_uuid()}"
    ctx.state.deletion_tasks.put((ctx.account, task), DeletionTask(role_arn=role.arn))
    return {"DeletionTaskId": task}


def _status_checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
    task = ctx.state.deletion_tasks.get(ctx.account, str(params["DeletionTaskId"]))
    resource = task.role_arn if task else "*"
    return (Check(action="iam:GetServiceLinkedRoleDeletionStatus", resource=resource),)


@operations.operation("GetServiceLinkedRoleDeletionStatus", checks=_status_checks)
def get_service_linked_role_deletion_status(ctx: Context[IamState], params: Params) -> Output:
    task = str(params["DeletionTaskId"])
    if ctx.state.deletion_tasks.get(ctx.account, task) is None:
        raise no_such_entity(f"Deletion task {task} cannot be found.")
    return {"Status": "SUCCEEDED"}
