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


class Prepared:
    """A layer's statements for one action: those it settles, and those that must still be asked."""

    __slots__ = ("answers", "kept", "named", "unsettled")

    def __init__(self, statements: Sequence[CompiledStatement], action: str) -> None:
        self.answers = tuple((statement, statement.for_action(action)) for statement in statements)
        self.unsettled = tuple(
            (statement, known)
            for statement, known in self.answers
            if known is None or not statement.names_everyone
        )
        self.named = any(not statement.names_everyone for statement, _ in self.unsettled)
        """Whether it matters who asks."""
        self.kept: dict[tuple[int, ...], Layer] = {}
        """The layer's answer by the answers and grants of the unsettled statements."""

    def complete(
        self, asked: Sequence[StatementTrace], grants: Sequence[Grant]
    ) -> tuple[Sequence[StatementTrace], Sequence[Grant]]:
        """The answers and grants of all statements, given those of the unsettled ones."""
        remaining = iter(zip(asked, grants, strict=True))
        pairs = [
            (known, Grant.DIRECT) if known is not None and statement.names_everyone else next(remaining)
            for statement, known in self.answers
        ]
        return [trace for trace, _ in pairs], [grant for _, grant in pairs]


class PolicyGroup:
    """The policies of one layer, and the answers it gave before.

    Like `CompiledStatement`, it keeps what it computed: the whole answer where the action settles it, else one per
    combination of the answers of the statements that it does not settle.
    """

    __slots__ = ("_kind", "_level", "_prepared", "_root_only", "_statements", "settled")

    def __init__(self, kind: PolicyType, policies: Sequence[Policy], level: str, *, root_only: bool) -> None:
        self._kind = kind
        self._level = level
        self._root_only = root_only
        self._statements = tuple(
            statement for policy in policies for statement in compile_policy(policy).statements
        )
        self._prepared: dict[str, Prepared] = {}
        self.settled: dict[str, Layer] = {}
        """Answers that the action alone settles, by the action as asked."""

    def judge(self, question: Question) -> Layer:
        """What this layer says to `question`, where `settled` has no answer yet."""
        prepared = self._prepared.get(question.action) or self._prepare(question.action)
        answers: list[StatementTrace]
        grants: list[Grant] = []
        if prepared.named:
            answers = self._ask_named(prepared, question, grants)
        else:
            answers = [statement.for_request(question) for statement, _ in prepared.unsettled]
        # INVARIANT: an identity in a key belongs to a trace that the kept answer holds, so it is never reused.
        key = (*map(id, answers), *grants)
        kept = prepared.kept.get(key)
        if kept is None:
            kept = self._combine(*prepared.complete(answers, grants or [Grant.DIRECT] * len(answers)))
            if len(prepared.kept) >= KEPT:
                prepared.kept.clear()
            prepared.kept[key] = kept
        return kept

    def _ask_named(self, prepared: Prepared, question: Question, grants: list[Grant]) -> list[StatementTrace]:
        """The unsettled statements' answers, some of which depend on who asks; adds to `grants` how each names them."""
        answers: list[StatementTrace] = []
        for statement, known in prepared.unsettled:
            grant = statement.grant(question.principal, bounded=question.bounded)
            grants.append(grant)
            if grant is Grant.NONE or (self._root_only and grant is Grant.ACCOUNT):
                answers.append(statement.failed_principal)
            else:
                answers.append(known or statement.for_request(question))
        return answers

    def _prepare(self, action: str) -> Prepared:
        """Ask the statements what the action settles, and keep it."""
        prepared = Prepared(self._statements, action.lower())
        if len(self._prepared) >= KEPT:
            self._prepared.clear()
            self.settled.clear()
        self._prepared[action] = prepared
        if not prepared.unsettled:
            self.settled[action] = self._combine(*prepared.complete((), ()))
        return prepared

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

    __slots__ = ("_group", "absent", "none")

    def __init__(self, kind: PolicyType) -> None:
        self.absent = absent(kind)
        self.none = (self.absent,)

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
        group = self._group(policies, level, root_only)
        return group.settled.get(question.action) or group.judge(question)

    def judge_optional(self, policy: Policy | None, question: Question, *, root_only: bool = False) -> Layer:
        """A type of which there is at most one policy."""
        return self.absent if policy is None else self.judge((policy,), question, root_only=root_only)
