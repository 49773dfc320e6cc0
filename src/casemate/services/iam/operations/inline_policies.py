"""Inline policies of users, groups and roles: Put, Get, List, Delete of each, registered at the end of the file."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Handler, Output, Params
from casemate.services.iam.documents import check_inline_sizes, encoded, inline_policy
from casemate.services.iam.entities import GROUPS, ROLES, USERS, E, EntityKind, protect
from casemate.services.iam.errors import no_such_entity
from casemate.services.iam.labels import inline_label
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState, Role


def _put(kind: EntityKind[E]) -> Handler[IamState]:
    def put_policy(ctx: Context[IamState], params: Params) -> Output:
        entity = kind.named(ctx, params)
        if isinstance(entity, Role):
            protect(entity)
        name, document = params["PolicyName"], params["PolicyDocument"]
        inline_policy(ctx.state, document, label=inline_label(name, entity.arn))
        documents = {**entity.inline, name: document}
        check_inline_sizes(kind.noun, entity.name, documents)
        kind.put(ctx, replace(entity, inline=documents))
        return {}

    return put_policy


def _document(kind: EntityKind[E], entity: E, name: str) -> str:
    document = entity.inline.get(name)
    if document is None:
        raise no_such_entity(f"The {kind.noun.lower()} policy with name {name} cannot be found.")
    return document


def _get(kind: EntityKind[E]) -> Handler[IamState]:
    def get_policy(ctx: Context[IamState], params: Params) -> Output:
        entity = kind.named(ctx, params)
        return {
            kind.parameter: entity.name,
            "PolicyName": params["PolicyName"],
            "PolicyDocument": encoded(_document(kind, entity, params["PolicyName"])),
        }

    return get_policy


def _list(kind: EntityKind[E]) -> Handler[IamState]:
    def list_policies(ctx: Context[IamState], params: Params) -> Output:
        names = kind.named(ctx, params).inline
        return paged(params, "PolicyNames", names, key=lambda name: name, shape=lambda name: name)

    return list_policies


def _delete(kind: EntityKind[E]) -> Handler[IamState]:
    def delete_policy(ctx: Context[IamState], params: Params) -> Output:
        entity = kind.named(ctx, params)
        if isinstance(entity, Role):
            protect(entity)
        _document(kind, entity, params["PolicyName"])
        rest = {name: text for name, text in entity.inline.items() if name != params["PolicyName"]}
        kind.put(ctx, replace(entity, inline=rest))
        return {}

    return delete_policy


def _register(kind: EntityKind[E]) -> None:
    noun = kind.noun
    for name, handler in (
        (f"Put{noun}Policy", _put(kind)),
        (f"Get{noun}Policy", _get(kind)),
        (f"List{noun}Policies", _list(kind)),
        (f"Delete{noun}Policy", _delete(kind)),
    ):
        operations.operation(name, checks=kind.checks(name))(handler)


_register(USERS)
_register(GROUPS)
_register(ROLES)
