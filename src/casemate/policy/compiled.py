"""A policy made ready: patterns compiled once, and what does not depend on the request answered once.

`compile_policy` keeps compiled policies by identity. A statement's answer is a function of the action, the resource,
the caller (where it has a Principal) and the values of the condition keys it reads; the answers for the last few
hundred combinations are kept, traces included, so that explaining costs nothing extra and no second evaluator exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from casemate.model.principals import Principal
from casemate.policy.conditions import Condition, Context
from casemate.policy.decision import Element, Outcome, StatementTrace
from casemate.policy.document import Policy, PrincipalSpec, Statement
from casemate.policy.patterns import Matcher, always, compile_action, compile_resource
from casemate.policy.principals import Grant, PrincipalTest
from casemate.policy.request import AuthorizationRequest
from casemate.policy.variables import Template, parse_template

KEPT = 512
"""Answers kept per statement or policy. Past that they are forgotten: request values such as times never repeat."""

_NO_CONTEXT: Context = {}

WITH_VARIABLES = "2012-10-17"
"""The only Version of the language that has policy variables."""


@lru_cache(maxsize=1024)
def _lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    """Condition keys in lower case: callers name the same few sets of keys over and over."""
    return tuple([name.lower() for name in names])


class Question:
    """A request, prepared once for all statements."""

    __slots__ = ("_context", "_given", "action", "bounded", "principal", "resource")

    def __init__(self, request: AuthorizationRequest, *, bounded: bool = False) -> None:
        self.principal: Principal = request.principal
        self.bounded = bounded
        self.action = request.action
        self.resource = request.resource
        self._given = request.context
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """The request's context, by names in lower case; made when the first condition asks for it."""
        context = self._context
        if context is None:
            given = self._given
            context = self._context = dict(zip(_lowered(tuple(given)), given.values(), strict=True))
        return context


class ResourceTest:
    """A compiled Resource or NotResource element."""

    __slots__ = ("_constants", "_negated", "_templates", "keys", "settled")

    def __init__(self, patterns: Sequence[str], *, negated: bool, variables: bool) -> None:
        templates = [parse_template(pattern, variables=variables) for pattern in patterns]
        self._constants: tuple[Matcher, ...] = tuple(
            compile_resource(template.constant()) for template in templates if not template.keys
        )
        everything = always in self._constants
        self._templates: tuple[Template, ...] = (
            () if everything else tuple(template for template in templates if template.keys)
        )
        self._negated = negated
        self.keys: tuple[str, ...] = tuple(key for template in self._templates for key in template.keys)
        """Condition keys that its policy variables read."""
        self.settled: bool | None = (not negated) if everything else None
        """The answer for every resource, where there is one: `*` is among the patterns."""

    def matches(self, resource: str, context: Context) -> bool:
        """A pattern with a variable that has no value matches no resource."""
        return self._negated is not self._named(resource, context)

    def _named(self, resource: str, context: Context) -> bool:
        for matcher in self._constants:
            if matcher(resource):
                return True
        for template in self._templates:
            resolved = template.resolve(context)
            if resolved is not None and compile_resource(resolved)(resource):
                return True
        return False


class CompiledStatement:
    """One statement, asked in three steps: `grant` (who), `for_action`, `for_request` (resource and conditions).

    The steps are apart so that a layer can keep the second one's answer, which few requests change: of all the
    statements of a request's policies, most speak of other actions.
    """

    __slots__ = (
        "_actions",
        "_actions_negated",
        "_conditions",
        "_principal",
        "_resources",
        "_unconditional",
        "effect",
        "failed_action",
        "failed_principal",
        "failed_resource",
        "kept_answers",
        "keys",
        "names_everyone",
    )

    def __init__(self, policy: Policy, statement: Statement) -> None:
        variables = policy.version == WITH_VARIABLES
        self.effect = Outcome.ALLOW if statement.effect == "Allow" else Outcome.EXPLICIT_DENY
        spec = statement.principal or statement.not_principal
        self._principal = (
            PrincipalTest(spec, negated=statement.principal is None, effect=statement.effect)
            if spec
            else None
        )
        self.names_everyone = self._principal is None or self._principal.names_everyone
        """True when `grant` is DIRECT whoever asks."""
        self._actions_negated = bool(statement.not_actions)
        self._actions: tuple[Matcher, ...] = tuple(
            compile_action(action) for action in statement.actions or statement.not_actions
        )
        self._resources = self._resource_test(statement, variables=variables)
        self._conditions = tuple(Condition(clause, variables=variables) for clause in statement.conditions)
        condition_keys = [key for condition in self._conditions for key in condition.keys]
        resource_keys = self._resources.keys if self._resources else ()
        self.keys: tuple[str, ...] = tuple(dict.fromkeys([*condition_keys, *resource_keys]))
        """Condition keys it reads, in lower case."""
        self.kept_answers: dict[tuple[object, ...], StatementTrace] = {}

        def trace(failed: Element | None, wanted: tuple[str, ...] = ()) -> StatementTrace:
            return StatementTrace(
                policy=policy.label,
                index=statement.index,
                sid=statement.sid,
                effect=self.effect,
                applied=failed is None,
                failed=failed,
                wanted=wanted,
            )

        self.failed_principal = trace(Element.PRINCIPAL, _values(statement.principal))
        self.failed_action = trace(Element.ACTION)
        self.failed_resource = trace(Element.RESOURCE, statement.resources)
        self._unconditional = trace(None)

    @staticmethod
    def _resource_test(statement: Statement, *, variables: bool) -> ResourceTest | None:
        """None for a trust policy, whose statements have no Resource: it is attached to the one it speaks of."""
        patterns = statement.resources or statement.not_resources
        if not patterns:
            return None
        return ResourceTest(patterns, negated=bool(statement.not_resources), variables=variables)

    def grant(self, principal: Principal, *, bounded: bool = False) -> Grant:
        """How directly the statement names the caller; DIRECT where the policy type has no Principal element."""
        return Grant.DIRECT if self._principal is None else self._principal.grant(principal, bounded=bounded)

    def for_action(self, action: str) -> StatementTrace | None:
        """The answer that the action, in lower case, settles whatever the resource; None when it takes more."""
        named = any(matcher(action) for matcher in self._actions)
        if named is self._actions_negated:
            return self.failed_action
        resources = self._resources
        if resources is not None and not resources.settled:
            return None if resources.settled is None else self.failed_resource
        return None if self.keys else self._unconditional

    def for_request(self, question: Question) -> StatementTrace:
        """The answer where `for_action` gave none: a function of the resource and of the values of `_keys`."""
        resources = self._resources
        if resources is None or resources.settled:
            return self._for_values(question, tuple(map(question.context.get, self.keys)))
        if resources.keys:
            return self._for_values(question, (question.resource, *map(question.context.get, self.keys)))
        if not resources.matches(question.resource, _NO_CONTEXT):
            return self.failed_resource
        if not self.keys:
            return self._unconditional
        return self._for_values(question, tuple(map(question.context.get, self.keys)))

    def _for_values(self, question: Question, values: tuple[object, ...]) -> StatementTrace:
        kept = self.kept_answers.get(values)
        if kept is None:
            kept = self._answer(question)
            if len(self.kept_answers) >= KEPT:
                self.kept_answers.clear()
            self.kept_answers[values] = kept
        return kept

    def _answer(self, question: Question) -> StatementTrace:
        context = question.context
        resources = self._resources
        if resources is not None and resources.keys and not resources.matches(question.resource, context):
            return self.failed_resource
        if not self._conditions:
            return self._unconditional
        # Every condition is evaluated, also after one that does not hold: the trace is complete.
        conditions = [condition.evaluate(context) for condition in self._conditions]
        applied = all(condition.matched for condition in conditions)
        base = self._unconditional
        return StatementTrace(
            policy=base.policy,
            index=base.index,
            sid=base.sid,
            effect=base.effect,
            applied=applied,
            failed=None if applied else Element.CONDITION,
            conditions=tuple(conditions),
        )


def _values(principal: PrincipalSpec | None) -> tuple[str, ...]:
    """Whom a Principal element lists."""
    if principal is None:
        return ()
    return (*principal.aws, *principal.service, *principal.federated, *principal.canonical)


class CompiledPolicy:
    """The statements of one policy."""

    __slots__ = ("statements",)

    def __init__(self, policy: Policy) -> None:
        self.statements = tuple(CompiledStatement(policy, statement) for statement in policy.statements)


@lru_cache(maxsize=8192)
def compile_policy(policy: Policy) -> CompiledPolicy:
    """The compiled form of `policy`: the same object for the same policy."""
    return CompiledPolicy(policy)
