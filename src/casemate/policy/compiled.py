"""A policy made ready: patterns compiled once, and what does not depend on the request answered once.

`compile_policy` keeps compiled policies by identity. A statement's answer is a function of the action, the resource,
the caller (where it has a Principal) and the values of the condition keys it reads; the answers for the last few
hundred combinations are kept, traces included, so that explaining costs nothing extra and no second evaluator exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from casemate.model.principals import Principal
from casemate.policy.conditions import Condition, Context
from casemate.policy.decision import Element, Outcome, StatementTrace
from casemate.policy.document import Policy, Statement
from casemate.policy.patterns import Matcher, compile_action, compile_resource
from casemate.policy.principals import Grant, PrincipalTest
from casemate.policy.request import AuthorizationRequest
from casemate.policy.variables import ContextValue, Template, parse_template

KEPT = 512
"""Answers kept per statement or policy. Past that they are forgotten: request values such as times never repeat."""

WITH_VARIABLES = "2012-10-17"
"""The only Version of the language that has policy variables."""


class Question:
    """A request, prepared once for all statements."""

    __slots__ = ("action", "context", "principal", "resource", "target")

    def __init__(self, request: AuthorizationRequest) -> None:
        self.principal: Principal = request.principal
        self.action = request.action.lower()
        self.resource = request.resource
        self.target = (self.action, self.resource)
        given = request.context
        self.context: Mapping[str, ContextValue] = dict(
            zip(map(str.lower, given), given.values(), strict=True)
        )


class ResourceTest:
    """A compiled Resource or NotResource element."""

    __slots__ = ("_constants", "_negated", "_templates", "keys")

    def __init__(self, patterns: Sequence[str], *, negated: bool, variables: bool) -> None:
        templates = [parse_template(pattern, variables=variables) for pattern in patterns]
        self._constants: tuple[Matcher, ...] = tuple(
            compile_resource(template.constant()) for template in templates if not template.keys
        )
        self._templates: tuple[Template, ...] = tuple(template for template in templates if template.keys)
        self._negated = negated
        self.keys: tuple[str, ...] = tuple(key for template in self._templates for key in template.keys)
        """Condition keys that its policy variables read."""

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
    """One statement, asked in three steps: `grant` (who), `for_target` (action, resource), `for_context` (the rest).

    The steps are apart so that a layer can keep the second one's answer, which few requests change.
    """

    __slots__ = (
        "_actions",
        "_actions_negated",
        "_conditions",
        "_keys",
        "_principal",
        "_resources",
        "_unconditional",
        "effect",
        "failed_action",
        "failed_principal",
        "failed_resource",
        "kept_answers",
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
        self._actions_negated = bool(statement.not_actions)
        self._actions: tuple[Matcher, ...] = tuple(
            compile_action(action) for action in statement.actions or statement.not_actions
        )
        self._resources = self._resource_test(statement, variables=variables)
        self._conditions = tuple(Condition(clause, variables=variables) for clause in statement.conditions)
        condition_keys = [key for condition in self._conditions for key in condition.keys]
        resource_keys = self._resources.keys if self._resources else ()
        self._keys: tuple[str, ...] = tuple(dict.fromkeys([*condition_keys, *resource_keys]))
        self.kept_answers: dict[tuple[object, ...], StatementTrace] = {}

        def trace(failed: Element | None) -> StatementTrace:
            return StatementTrace(
                policy=policy.label,
                index=statement.index,
                sid=statement.sid,
                effect=self.effect,
                applied=failed is None,
                failed=failed,
            )

        self.failed_principal = trace(Element.PRINCIPAL)
        self.failed_action = trace(Element.ACTION)
        self.failed_resource = trace(Element.RESOURCE)
        self._unconditional = trace(None)

    @staticmethod
    def _resource_test(statement: Statement, *, variables: bool) -> ResourceTest | None:
        """None for a trust policy, whose statements have no Resource: it is attached to the one it speaks of."""
        patterns = statement.resources or statement.not_resources
        if not patterns:
            return None
        return ResourceTest(patterns, negated=bool(statement.not_resources), variables=variables)

    @property
    def names_everyone(self) -> bool:
        """True when `grant` is DIRECT whoever asks."""
        return self._principal is None or self._principal.names_everyone

    def grant(self, principal: Principal) -> Grant:
        """How directly the statement names the caller; DIRECT where the policy type has no Principal element."""
        return Grant.DIRECT if self._principal is None else self._principal.grant(principal)

    def for_target(self, question: Question) -> StatementTrace | None:
        """The answer that action and resource settle; None when it takes the context."""
        action = question.action
        named = any(matcher(action) for matcher in self._actions)
        if named is self._actions_negated:
            return self.failed_action
        resources = self._resources
        if resources is None or resources.keys:
            return None if self._keys else self._unconditional
        if not resources.matches(question.resource, question.context):
            return self.failed_resource
        return None if self._keys else self._unconditional

    def for_context(self, question: Question) -> StatementTrace:
        """The answer where `for_target` gave none: a function of the resource and of the values of `_keys`."""
        key = (question.resource, *map(question.context.get, self._keys))
        kept = self.kept_answers.get(key)
        if kept is None:
            kept = self._answer(question)
            if len(self.kept_answers) >= KEPT:
                self.kept_answers.clear()
            self.kept_answers[key] = kept
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


class CompiledPolicy:
    """The statements of one policy."""

    __slots__ = ("statements",)

    def __init__(self, policy: Policy) -> None:
        self.statements = tuple(CompiledStatement(policy, statement) for statement in policy.statements)


@lru_cache(maxsize=8192)
def compile_policy(policy: Policy) -> CompiledPolicy:
    """The compiled form of `policy`: the same object for the same policy."""
    return CompiledPolicy(policy)
