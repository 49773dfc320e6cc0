"""Users, groups and roles by what they have in common: a name, a path, inline and attached policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from casemate.policy import catalogue
from casemate.servicekit.service import Check, Checks, Context, ContextValues, Params
from casemate.servicekit.store import Collection
from casemate.services.iam.errors import delete_conflict, not_found, unmodifiable, validation_error
from casemate.services.iam.state import Group, IamState, Role, User

E = TypeVar("E", User, Group, Role)


class EntityKind(Struct, Generic[E], frozen=True, kw_only=True):
    """One of the three kinds."""

    noun: str
    """`User`: as in the names of operations and of parameters."""
    records: Callable[[IamState], Collection[E]]

    @property
    def parameter(self) -> str:
        """`UserName`."""
        return f"{self.noun}Name"

    def find(self, state: IamState, account: str, name: str) -> E | None:
        """The entity of that exact name."""
        found = self.records(state).get(account, name.lower())
        return found if found is not None and found.name == name else None

    def named(self, ctx: Context[IamState], params: Params) -> E:
        """The entity the request names; NoSuchEntity."""
        name = str(params[self.parameter])
        found = self.find(ctx.state, ctx.account, name)
        if found is None:
            raise not_found(self.noun, name)
        return found

    def put(self, ctx: Context[IamState], entity: E) -> None:
        """Store a new or a changed entity."""
        self.records(ctx.state).put((entity.account, entity.name.lower()), entity)

    def arn(self, ctx: Context[IamState], params: Params) -> str:
        """ARN of the entity the request names, or the one it would have at the path `/`."""
        name = str(params[self.parameter])
        found = self.find(ctx.state, ctx.account, name)
        return found.arn if found else f"arn:aws:iam::{ctx.account}:{self.noun.lower()}/{name}"

    def checks(self, action: str, extra: Callable[[Params], ContextValues] | None = None) -> Checks[IamState]:
        """Authorization of `action` on the named entity, with its tags and boundary as context."""

        def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
            found = self.find(ctx.state, ctx.account, str(params[self.parameter]))
            context = {**entity_context(found, f"iam:{action}"), **(extra(params) if extra else {})}
            return (Check(action=f"iam:{action}", resource=self.arn(ctx, params), context=context),)

        return checks


USERS: EntityKind[User] = EntityKind(noun="User", records=lambda state: state.users)
GROUPS: EntityKind[Group] = EntityKind(noun="Group", records=lambda state: state.groups)
ROLES: EntityKind[Role] = EntityKind(noun="Role", records=lambda state: state.roles)


_BOUNDARY = "iam:PermissionsBoundary"


def entity_context(entity: User | Group | Role | None, asked: str) -> ContextValues:
    """`aws:ResourceTag/*` and `iam:ResourceTag/*` of an entity that exists, and its boundary where `asked` has that key.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM".
    """
    if entity is None or isinstance(entity, Group):
        return {}
    context = tag_context(entity.tags)
    context.update({f"iam:ResourceTag/{key}": value for key, value in entity.tags.items()})
    if entity.boundary is not None:
        known = catalogue.action(asked)
        if known is not None and known.has_key(_BOUNDARY):
            context[_BOUNDARY] = entity.boundary
    return context


def tag_context(tags: dict[str, str]) -> dict[str, str | tuple[str, ...]]:
    """The tags a resource has. `iam:ResourceTag/*` is a key of users and roles only."""
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def request_tag_context(params: Params) -> dict[str, str | tuple[str, ...]]:
    """The tags a request brings (`Tags`) or takes away (`TagKeys`)."""
    tags = cast("list[dict[str, str]]", params.get("Tags") or [])
    context: dict[str, str | tuple[str, ...]] = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    keys = [tag["Key"] for tag in tags] or cast("list[str]", params.get("TagKeys") or [])
    if keys:
        context["aws:TagKeys"] = tuple(keys)
    return context


def creation_checks(noun: str) -> Checks[IamState]:
    """Authorization of `Create<noun>`, and of `Tag<noun>` when the request brings tags."""
    resource = "instance-profile" if noun == "InstanceProfile" else noun.lower()

    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        tags, context = request_tag_context(params), request_tag_context(params)
        if params.get("PermissionsBoundary"):
            context["iam:PermissionsBoundary"] = params["PermissionsBoundary"]
        arn = ctx.arn("iam", f"{resource}{params.get('Path') or '/'}{params[f'{noun}Name']}", region="")
        checks = [Check(action=f"iam:Create{noun}", resource=arn, context=context)]
        if params.get("Tags"):
            # The boundary is no condition key of iam:TagRole and its kin.
            checks.append(Check(action=f"iam:Tag{noun}", resource=arn, context=tags))
        return tuple(checks)

    return checks


def refuse_while_it_has_policies(entity: User | Group | Role) -> None:
    """DeleteConflict: policies are taken away before their holder is deleted."""
    if entity.attached:
        raise delete_conflict("Cannot delete entity, must detach all policies first.")
    if entity.inline:
        raise delete_conflict("Cannot delete entity, must delete policies first.")


def protect(role: Role) -> None:
    """Service-linked roles are changed by their service only."""
    if role.is_service_linked:
        raise unmodifiable(
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        )


def own_user_name(ctx: Context[IamState], params: Params) -> str:
    """The name in the request, or the caller's own when it has one."""
    if params.get("UserName") is not None:
        return str(params["UserName"])
    if ctx.principal.user_name is None:
        raise validation_error("Must specify userName when calling with non-User credentials")
    return ctx.principal.user_name


def own_user_checks(action: str) -> Checks[IamState]:
    """Authorization of `action` on the named user, or on the caller when no user is named."""

    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        name = params.get("UserName") or ctx.principal.user_name
        if name is None:
            return (Check(action=f"iam:{action}", resource=ctx.principal.arn),)
        context = entity_context(USERS.find(ctx.state, ctx.account, name), f"iam:{action}")
        resource = USERS.arn(ctx, {"UserName": name})
        return (Check(action=f"iam:{action}", resource=resource, context=context),)

    return checks


def creation_time(ctx: Context[Any]) -> Any:
    """IAM's times are whole seconds."""
    return ctx.now.replace(microsecond=0)
