"""One layer of a decision: all policies of one type, asked together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from casemate.policy.compiled import KEPT, CompiledStatement, Question, compile_policy
from casemate.policy.decision import LayerTrace, Outcome, PolicyType, StatementTrace
from casemate.policy.document import Policy
from casemate.policy.principals import Grant


class Layer:
    """One layer's answer."""

    __slots__ = ("allow", "blocks", "deny", "grant", "trace")

    def __init__(
        self,
        trace: LayerTrace,
        *,
        deny: StatementTrace | None = None,
        allow: StatementTrace | None = None,
        grant: Grant = Grant.NONE,
    ) -> None:
        self.trace = trace
        self.deny = deny
        """The first explicit deny."""
        self.allow = allow
        """The statement that allows; of several, the one that names the caller most directly."""
        self.grant = grant
        """How directly the allowing statement names the caller."""
        self.blocks = trace.outcome is Outcome.IMPLICIT_DENY


def absent(kind: PolicyType) -> Layer:
    """A layer that takes no part."""
    return Layer(LayerTrace(type=kind, outcome=Outcome.NOT_APPLICABLE))


Entry = tuple[CompiledStatement, StatementTrace | None]
"""A statement, and its answer where action and resource settle it."""


class PolicyGroup:
    """The policies of one layer, and the answers it gave before.

    Like `CompiledStatement`, it keeps what it computed: the whole answer where action and resource settle it, else
    one per combination of its statements' answers.
    """

    __slots__ = ("_by_traces", "_entries", "_kind", "_level", "_policies", "_root_only", "_settled")

    def __init__(self, kind: PolicyType, policies: Sequence[Policy], level: str, *, root_only: bool) -> None:
        self._kind = kind
        self._level = level
        self._root_only = root_only
        self._policies = tuple(compile_policy(policy) for policy in policies)
        self._settled: dict[tuple[str, str], Layer] = {}
        self._entries: dict[tuple[str, str], tuple[Entry, ...]] = {}
        self._by_traces: dict[tuple[int, ...], Layer] = {}

    def judge(self, question: Question) -> Layer:
        """What this layer says to `question`."""
        settled = self._settled.get(question.target)
        if settled is not None:
            return settled
        entries = self._entries.get(question.target) or self._prepare(question)
        statements: list[StatementTrace] = []
        grants: list[Grant] = []
        for statement, known in entries:
            grant = statement.grant(question.principal)
            if grant is Grant.NONE or (self._root_only and grant is Grant.ACCOUNT):
                statements.append(statement.failed_principal)
            else:
                statements.append(known or statement.for_context(question))
            grants.append(grant)
        return self._answer(statements, grants)

    def _prepare(self, question: Question) -> tuple[Entry, ...]:
        """Ask the statements what action and resource settle, and keep it."""
        entries = tuple(
            (statement, statement.for_target(question))
            for policy in self._policies
            for statement in policy.statements
        )
        if len(self._entries) + len(self._settled) >= KEPT:
            self._entries.clear()
            self._settled.clear()
        known = [trace for statement, trace in entries if trace is not None and statement.names_everyone]
        if len(known) == len(entries):
            self._settled[question.target] = self._combine(known, [Grant.DIRECT] * len(known))
        else:
            self._entries[question.target] = entries
        return entries

    def _answer(self, statements: list[StatementTrace], grants: list[Grant]) -> Layer:
        # INVARIANT: an identity in a key belongs to a trace that the kept answer holds, so it is never reused.
        key = (*map(id, statements), *grants)
        kept = self._by_traces.get(key)
        if kept is None:
            kept = self._combine(statements, grants)
            if len(self._by_traces) >= KEPT:
                self._by_traces.clear()
            self._by_traces[key] = kept
        return kept

    def _combine(self, statements: Sequence[StatementTrace], grants: Sequence[Grant]) -> Layer:
        """One explicit deny denies; else one Allow allows; else nothing was said."""
        deny: StatementTrace | None = None
        allow: StatementTrace | None = None
        best = Grant.NONE
        for trace, grant in zip(statements, grants, strict=True):
            if not trace.applied:
                continue
            if trace.effect is Outcome.EXPLICIT_DENY:
                deny = deny or trace
            elif grant > best:
                allow, best = trace, grant
        if deny is not None:
            outcome = Outcome.EXPLICIT_DENY
        elif allow is not None or self._kind is PolicyType.RCP:
            # RCPFullAWSAccess is attached at every level and cannot be detached: a missing Allow never decides.
            outcome = Outcome.ALLOW
        else:
            outcome = Outcome.IMPLICIT_DENY
        trace = LayerTrace(type=self._kind, outcome=outcome, level=self._level, statements=tuple(statements))
        return Layer(trace, deny=deny, allow=allow, grant=best)


class LayerKind:
    """A policy type as a layer; one object per type, so that look-ups need no hash of an enum member."""

    __slots__ = ("_group", "absent")

    def __init__(self, kind: PolicyType) -> None:
        self.absent = absent(kind)

        @lru_cache(maxsize=2048)
        def group(policies: tuple[Policy, ...], level: str, root_only: bool) -> PolicyGroup:  # noqa: FBT001
            return PolicyGroup(kind, policies, level, root_only=root_only)

        self._group = group

    def judge(
        self,
        policies: tuple[Policy, ...],
        question: Question,
        *,
        level: str = "",
        root_only: bool = False,
    ) -> Layer:
        """All policies of the type, or of one level. `root_only`: an account as Principal names its root user alone."""
        return self._group(policies, level, root_only).judge(question)

    def judge_optional(self, policy: Policy | None, question: Question, *, root_only: bool = False) -> Layer:
        """A type of which there is at most one policy."""
        return self.absent if policy is None else self._group((policy,), "", root_only).judge(question)
