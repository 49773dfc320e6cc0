"""From JSON to a Policy, refusing what AWS refuses, in AWS's words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NoReturn, cast

from msgspec.structs import replace

from casemate.policy import grammar
from casemate.policy.decision import PolicyType
from casemate.policy.document import ConditionClause, Effect, Policy, PrincipalSpec, Statement
from casemate.policy.errors import MalformedPolicy
from casemate.policy.grammar import GRAMMARS, Grammar
from casemate.policy.operators import QUANTIFIERS, parse_operator

_SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_VENDOR = re.compile(r"[a-zA-Z0-9.-]+", re.ASCII)
_PARTITION = re.compile(r"aws(-[a-z]+)*", re.ASCII)
_WILD = re.compile(r"[*?$]")
_ARN_WITH_RESOURCE = 6


class _Number(str):
    """A JSON number as written: conditions take `5` for "5", other elements take strings only."""

    __slots__ = ()


def parse_policy(
    document: str, *, kind: PolicyType, label: str, managed: bool = False, whole_statements: bool = True
) -> Policy:
    """Parse and validate a policy document of type `kind`; raises MalformedPolicy.

    `managed`: a managed policy of IAM, whose Version must be 2012-10-17 (an inline policy may leave it out).
    `whole_statements` False: a key policy, of which KMS takes statements without Action or Resource.
    """
    rules = GRAMMARS[kind]
    if not whole_statements:
        rules = replace(rules, needs_action=False, needs_resource=False)
    try:
        return _Parser(rules, label=label, managed=managed).policy(document)
    except MalformedPolicy as error:
        if rules.message:
            raise MalformedPolicy(rules.message, detail=error.message) from None
        raise


def _refuse(message: str) -> NoReturn:
    raise MalformedPolicy(message)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object without duplicate keys: "you cannot use the same key more than once" (IAM, troubleshooting)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse(grammar.SYNTAX)
    return found


def _no_constant(_: str) -> NoReturn:
    """NaN and Infinity are not JSON."""
    _refuse(grammar.SYNTAX)


def _load(document: str) -> dict[str, object]:
    try:
        loaded: object = json.loads(
            document,
            object_pairs_hook=_unique,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        _refuse(grammar.SYNTAX)
    if not isinstance(loaded, dict):
        _refuse(grammar.SYNTAX)
    return cast("dict[str, object]", loaded)


def _strings(value: object) -> tuple[str, ...]:
    """A string, or a list of strings."""
    values: Sequence[object] = cast("list[object]", value) if isinstance(value, list) else [value]
    if not all(type(item) is str for item in values):
        _refuse(grammar.SYNTAX)
    return tuple(cast("Sequence[str]", values))


def _condition_value(value: object) -> str:
    """Numbers and booleans may be written without quotes."""
    if value is True or value is False:
        return "true" if value else "false"
    if not isinstance(value, str):
        _refuse(grammar.SYNTAX)
    return str(value)


class _Parser:
    """One document under the rules of its type."""

    def __init__(self, rules: Grammar, *, label: str, managed: bool) -> None:
        self._rules = rules
        self._label = label
        self._newest_version_only = rules.newest_version_only or managed
        self._full_access = label == grammar.RCP_FULL_AWS_ACCESS

    def policy(self, document: str) -> Policy:
        if self._rules.no_leading_space and document[:1].isspace():
            _refuse(grammar.LEADING_SPACE)
        loaded = _load(document)
        for field in loaded:
            if field not in grammar.DOCUMENT_FIELDS:
                _refuse(grammar.unknown(field))
        if "Id" in loaded and type(loaded["Id"]) is not str:
            _refuse(grammar.SYNTAX)
        version = self._version(loaded)
        statements = self._statements(loaded)
        return Policy(label=self._label, version=version, statements=statements, document=document)

    def _version(self, loaded: dict[str, object]) -> str:
        version = loaded.get("Version", grammar.VERSIONS[0])
        if version not in grammar.VERSIONS:
            _refuse(grammar.VERSION if type(version) is str else grammar.SYNTAX)
        if self._newest_version_only and version != grammar.VERSIONS[-1]:
            _refuse(grammar.VERSION)
        return cast("str", version)

    def _statements(self, loaded: dict[str, object]) -> tuple[Statement, ...]:
        if "Statement" not in loaded:
            _refuse(grammar.missing("Statement"))
        value = loaded["Statement"]
        items: Sequence[object] = cast("list[object]", value) if isinstance(value, list) else [value]
        if not items:
            _refuse(grammar.SYNTAX)
        statements = tuple(self._statement(index, item) for index, item in enumerate(items))
        sids = [statement.sid for statement in statements if statement.sid]
        if self._rules.strict_sids and len(set(sids)) != len(sids):
            _refuse(grammar.SID_UNIQUE)
        return statements

    def _statement(self, index: int, item: object) -> Statement:
        if not isinstance(item, dict):
            _refuse(grammar.SYNTAX)
        fields = cast("dict[str, object]", item)
        for field in fields:
            if field not in grammar.STATEMENT_FIELDS:
                _refuse(grammar.unknown(field))
        self._refuse_misplaced(fields)
        return Statement(
            index=index,
            sid=self._sid(fields),
            effect=self._effect(fields),
            principal=_principal(fields, "Principal"),
            not_principal=_principal(fields, "NotPrincipal"),
            actions=self._actions(fields, "Action"),
            not_actions=self._actions(fields, "NotAction"),
            resources=_resources(fields, "Resource"),
            not_resources=_resources(fields, "NotResource"),
            conditions=_conditions(fields.get("Condition", {})),
        )

    def _refuse_misplaced(self, fields: dict[str, object]) -> None:
        """Elements that this type must not have, must have, or may not have together."""
        rules = self._rules
        for field in sorted(rules.prohibited & fields.keys()):
            by_iam = field == "Principal" and not rules.needs_principal
            _refuse(grammar.NO_PRINCIPAL_HERE if by_iam else grammar.prohibited(field))
        for name in ("Principal", "Action", "Resource"):
            if name in fields and f"Not{name}" in fields:
                _refuse(grammar.SYNTAX)
        if rules.needs_principal and not {"Principal", "NotPrincipal"} & fields.keys():
            _refuse(grammar.missing("Principal"))
        if rules.needs_action and not {"Action", "NotAction"} & fields.keys():
            _refuse(grammar.missing("Action") if rules.needs_principal else grammar.NO_ACTIONS)
        if rules.needs_resource and not {"Resource", "NotResource"} & fields.keys():
            _refuse(grammar.missing("Resource") if rules.needs_principal else grammar.NO_RESOURCES)
        if rules.only_everyone and _principal(fields, "Principal") != PrincipalSpec(everyone=True):
            _refuse(f'{grammar.missing("Principal")}: it must be "*"')

    def _sid(self, fields: dict[str, object]) -> str | None:
        sid = fields.get("Sid")
        if sid is None and "Sid" not in fields:
            return None
        if type(sid) is not str:
            _refuse(grammar.SYNTAX)
        if self._rules.strict_sids and not _SID.fullmatch(sid):
            _refuse(grammar.SID_CHARACTERS)
        return sid

    def _effect(self, fields: dict[str, object]) -> Effect:
        if "Effect" not in fields:
            _refuse(grammar.missing("Effect"))
        effect = fields["Effect"]
        if effect == "Deny":
            return "Deny"
        if effect != "Allow":
            _refuse(grammar.LEGACY)
        if self._rules.only_denies and not self._full_access:
            _refuse("Effect must be Deny")
        return "Allow"

    def _actions(self, fields: dict[str, object], name: str) -> tuple[str, ...]:
        if name not in fields:
            return ()
        actions = _strings(fields[name])
        if not actions:
            _refuse(grammar.NO_ACTIONS)
        for action in actions:
            self._check_action(action)
        return actions

    def _check_action(self, action: str) -> None:
        vendor, *names = action.split(":")
        if self._rules.actions_of and (vendor.lower() != self._rules.actions_of or not names):
            _refuse(grammar.NOT_STS)
        if action in {"*", "*:*"}:
            if self._rules.only_denies and not self._full_access:
                _refuse(grammar.NO_VENDOR)
            return
        if not names:
            _refuse(grammar.NO_VENDOR)
        if len(names) > 1:
            _refuse(grammar.COLONS)
        if not _VENDOR.fullmatch(vendor):
            _refuse(f"Vendor {vendor} is not valid")


def _principal(fields: dict[str, object], element: str) -> PrincipalSpec | None:
    if element not in fields:
        return None
    value = fields[element]
    if value == "*":
        return PrincipalSpec(everyone=True)
    if not isinstance(value, dict) or not value:
        _refuse("Invalid principal in policy")
    found: dict[str, tuple[str, ...]] = {}
    for name, values in cast("dict[str, object]", value).items():
        if name not in grammar.PRINCIPAL_TYPES:
            _refuse(f'Invalid principal in policy: "{name}"')
        found[name] = _strings(values)
    return PrincipalSpec(
        aws=found.get("AWS", ()),
        service=found.get("Service", ()),
        federated=found.get("Federated", ()),
        canonical=found.get("CanonicalUser", ()),
    )


def _resources(fields: dict[str, object], name: str) -> tuple[str, ...]:
    if name not in fields:
        return ()
    resources = _strings(fields[name])
    if not resources:
        _refuse(grammar.NO_RESOURCES)
    for resource in resources:
        _check_resource(resource)
    return resources


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 3:
        _refuse(f'Resource {resource} must be in ARN format or "*".')
    partition, service = parts[1], parts[2]
    if not _WILD.search(partition) and not _PARTITION.fullmatch(partition):
        _refuse(f'Partition "{partition}" is not valid for resource "{resource}".')
    if "*" in service or "?" in service:
        _refuse(grammar.RESOURCE_VENDOR)
    if service == "iam" and len(parts) == _ARN_WITH_RESOURCE and parts[3] not in {"", "*"}:
        _refuse(f"IAM resource {resource} cannot contain region information.")


def _conditions(value: object) -> tuple[ConditionClause, ...]:
    if not isinstance(value, dict):
        _refuse(grammar.SYNTAX)
    clauses: list[ConditionClause] = []
    for operator, keys in cast("dict[str, object]", value).items():
        if parse_operator(operator) is None:
            prefix, colon, _ = operator.rpartition(":")
            if colon and prefix not in QUANTIFIERS:
                _refuse(grammar.CONDITION_PREFIX)
            _refuse(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict):
            _refuse(grammar.SYNTAX)
        for key, values in cast("dict[str, object]", keys).items():
            if ":" not in key:
                _refuse(grammar.NO_VENDOR)
            listed = cast("list[object]", values) if isinstance(values, list) else [values]
            clauses.append(
                ConditionClause(
                    operator=operator, key=key, values=tuple(_condition_value(item) for item in listed)
                )
            )
    return tuple(clauses)
