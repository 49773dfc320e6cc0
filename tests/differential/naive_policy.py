"""A second, naive evaluator of IAM policies, written from the documentation alone.

It shares no code with the engine past the parsed documents: no compilation, no memory, ARNs and wildcards matched by
recursion, conditions value by value. Slow and plain on purpose.
"""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.document import ConditionClause, Policy, PrincipalSpec, Statement
from casemate.policy.request import AuthorizationRequest, PolicySet


@cache
def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[skip:]) for skip in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and glob(pattern[1:], text[1:])


def arn_glob(pattern: str, text: str) -> bool:
    left, right = pattern.split(":", 5), text.split(":", 5)
    return len(left) == len(right) == 6 and all(map(glob, left, right))


def resource_glob(pattern: str, text: str) -> bool:
    if pattern == "*":
        return True
    parts = pattern.split(":", 5)
    parts += ["*"] * (6 - len(parts))
    return spill(parts, text.split(":"))


def spill(pattern: list[str], text: list[str]) -> bool:
    """A part that ends in a star may take in further parts; the last part takes in all that is left."""
    if len(pattern) == 1:
        return bool(text) and glob(pattern[0], ":".join(text))
    if not text or not glob(pattern[0], text[0]):
        return False
    longest = len(text) if pattern[0].endswith("*") else 1
    return any(spill(pattern[1:], text[taken:]) for taken in range(1, longest + 1))


def substitute(value: str, context: dict[str, Any]) -> str | None:
    start = value.find("${")
    if start < 0:
        return value
    end = value.index("}", start)
    name, _, default = value[start + 2 : end].partition(", ")
    found = context.get(name.lower(), default[1:-1] if default else None)
    rest = substitute(value[end + 1 :], context)
    return None if not isinstance(found, str) or rest is None else value[:start] + found + rest


def one(base: str, expected: str, actual: str) -> bool:
    if base == "StringEquals":
        return expected == actual
    if base == "StringEqualsIgnoreCase":
        return expected.lower() == actual.lower()
    if base == "StringLike":
        return glob(expected, actual)
    if base in {"ArnLike", "ArnEquals"}:
        return arn_glob(expected, actual)
    if base == "Bool":
        return expected.lower() == actual.lower()
    if base == "IpAddress":
        return ip_address(actual) in ip_network(expected, strict=False)
    if base == "NumericLessThan":
        return float(actual) < float(expected)
    if base == "NumericEquals":
        return float(actual) == float(expected)
    raise AssertionError(base)


def condition(clause: ConditionClause, context: dict[str, Any]) -> bool:
    name = clause.operator
    actual = context.get(clause.key.lower())
    if actual == ():
        actual = None  # "the key exists and its value is not null" (Null operator): an empty list is no value
    if name == "Null":
        return ("true" if actual is None else "false") in clause.values
    quantifier, _, name = name.rpartition(":")
    if name.endswith("IfExists"):
        if actual is None:
            return True
        name = name.removesuffix("IfExists")
    base = "IpAddress" if name == "NotIpAddress" else name.replace("Not", "")
    negated = base != name
    values = [actual] if isinstance(actual, str) else list(actual or ())
    if base.startswith(("String", "Arn")):
        expected = [
            found for found in (substitute(value, context) for value in clause.values) if found is not None
        ]
    else:
        expected = list(clause.values)
    if quantifier == "ForAllValues":
        return all(any(one(base, wanted, value) for wanted in expected) != negated for value in values)
    if quantifier == "ForAnyValue":
        return any(any(one(base, wanted, value) for wanted in expected) != negated for value in values)
    return any(one(base, wanted, value) for wanted in expected for value in values) != negated


def account_of(name: str) -> str:
    return name.split(":")[4] if name.endswith(":root") else name


def strength(spec: PrincipalSpec, who: Principal) -> int:
    """3 direct, 2 role, 1 account, 0 not named."""
    if spec.everyone or "*" in spec.aws:
        return 3
    if who.kind is PrincipalKind.SERVICE:
        return 3 if who.arn in spec.service else 0
    if who.kind is PrincipalKind.ANONYMOUS:
        return 0
    if who.arn in spec.aws:
        return 3
    if who.role_arn in spec.aws or who.issuer_arn in spec.aws:
        return 2
    if who.account in map(account_of, spec.aws):
        return 3 if who.kind is PrincipalKind.ROOT else 1
    return 0


def named(statement: Statement, who: Principal, *, bounded: bool) -> int:
    if statement.principal is not None:
        return strength(statement.principal, who)
    if statement.not_principal is None:
        return 3
    listed = statement.not_principal
    if listed.everyone or "*" in listed.aws:
        return 0
    if who.kind is PrincipalKind.ANONYMOUS:
        return 3
    if who.kind is PrincipalKind.SERVICE:
        return 0 if who.arn in listed.service else 3
    if (
        bounded
        and statement.effect == "Deny"
        and who.kind in {PrincipalKind.USER, PrincipalKind.ROLE_SESSION}
    ):
        return 3
    links = {who.arn, who.role_arn or who.arn} - ({who.arn} if who.kind is PrincipalKind.ROOT else set())
    present = [who.account in map(account_of, listed.aws), *(link in listed.aws for link in links)]
    spared = all(present) if statement.effect == "Deny" else any(present)
    return 0 if spared else 3


def applies(statement: Statement, request: AuthorizationRequest, *, bounded: bool) -> int:
    context = {key.lower(): value for key, value in request.context.items()}
    action = request.action.lower()
    if statement.actions and not any(glob(name.lower(), action) for name in statement.actions):
        return 0
    if any(glob(name.lower(), action) for name in statement.not_actions):
        return 0

    def matches(patterns: tuple[str, ...]) -> bool:
        replaced = (substitute(pattern, context) for pattern in patterns)
        return any(pattern is not None and resource_glob(pattern, request.resource) for pattern in replaced)

    if statement.resources and not matches(statement.resources):
        return 0
    if matches(statement.not_resources):
        return 0
    if not all(condition(clause, context) for clause in statement.conditions):
        return 0
    return named(statement, request.principal, bounded=bounded)


def says(policies: tuple[Policy, ...], request: AuthorizationRequest, *, bounded: bool) -> tuple[bool, int]:
    """(explicitly denied, strength of the best allow)."""
    denied, best = False, 0
    for one_policy in policies:
        for statement in one_policy.statements:
            power = applies(statement, request, bounded=bounded)
            if statement.effect == "Deny":
                denied = denied or power > 0
            else:
                best = max(best, power)
    return denied, best


def naive(request: AuthorizationRequest, policies: PolicySet) -> tuple[bool, str | None]:
    """(allowed, "TYPE/explicit" or "TYPE/implicit")."""
    who = request.principal
    helpless = who.kind in {PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS}
    local = who.account == request.resource_account
    optional = lambda item: (item,) if item is not None else ()  # noqa: E731
    scp_levels = () if helpless or who.is_service_linked else policies.scps
    rcp_levels = () if who.is_service_linked else policies.rcps
    identity = () if helpless or who.kind is PrincipalKind.ROOT else policies.identity
    groups = [
        *(("SCP", level.policies) for level in scp_levels),
        *(("RCP", level.policies) for level in rcp_levels),
        ("ENDPOINT", optional(policies.endpoint)),
        ("RESOURCE", optional(policies.resource)),
        ("IDENTITY", identity),
        ("BOUNDARY", optional(policies.boundary)),
        ("SESSION", policies.session),
    ]
    bounded = policies.boundary is not None
    answers = [(kind, group, *says(group, request, bounded=bounded)) for kind, group in groups]
    for kind, _, denied, _ in answers:
        if denied:
            return False, f"{kind}/explicit"
    allow = {kind: best for kind, _, _, best in answers}
    if any(best == 0 for kind, _, _, best in answers if kind == "SCP"):
        return False, "SCP/implicit"
    if policies.endpoint is not None and allow["ENDPOINT"] == 0:
        return False, "ENDPOINT/implicit"
    granted = allow["RESOURCE"]
    if granted == 0 and (policies.resource_must_allow or helpless or not local):
        return False, "RESOURCE/implicit"
    if helpless or (local and granted == 3):
        return True, None
    if who.kind is not PrincipalKind.ROOT and allow["IDENTITY"] == 0 and not (local and granted == 2):
        return False, "IDENTITY/implicit"
    if policies.boundary is not None and allow["BOUNDARY"] == 0:
        return False, "BOUNDARY/implicit"
    if (policies.session or who.kind is PrincipalKind.FEDERATED_USER) and allow["SESSION"] == 0:
        return False, "SESSION/implicit"
    return True, None
