"""Decisions of one caller, kept: asked again, the engine would answer the same.

A decision is a function of the caller, the action, the resource, the policies, and the values of the condition keys
that those policies read (`policy.dependence`). One object serves one caller from one place while no record changes, so
that only the keys that differ from request to request are looked at: times, the user agent, and what a check brings.
"""

from __future__ import annotations

from collections.abc import Callable

from casemate.gateway.authorization import Authorizer, Situation
from casemate.gateway.context_keys import Values
from casemate.policy.decision import Decision
from casemate.policy.dependence import keys_read
from casemate.policy.evaluation import evaluate
from casemate.servicekit.service import Check

_VOLATILE = frozenset({"aws:currenttime", "aws:epochtime", "aws:useragent", "aws:referer"})
"""Keys of the request itself that two requests of one caller may differ in."""
_MOST_KEPT = 512
Value = str | tuple[str, ...] | None


class _Answers:
    """The decisions on one action, resource and set of brought keys, by the values of the keys that vary."""

    __slots__ = ("by_values", "constant", "varying")

    def __init__(self, varying: tuple[str, ...], *, constant: bool) -> None:
        self.varying = varying
        self.constant = constant
        """Whether another request for that action and resource, whatever keys of its service it brings, is decided alike."""
        self.by_values: dict[tuple[Value, ...], Decision] = {}


class KeptDecisions:
    """Asks the authorizer once per combination of values that matter."""

    def __init__(self, authorizer: Authorizer, situation: Callable[[Values], Situation]) -> None:
        self._authorizer = authorizer
        self._situation = situation
        """The caller's situation with the keys of a request."""
        self._kept: dict[tuple[str, str, tuple[str, ...]], _Answers] = {}

    def decide(self, check: Check, request: Callable[[], Values]) -> Decision:
        """The decision on a check; `request` gives the request's own keys when a policy reads one."""
        # The names a check brings are part of the key: a brought value goes over one the situation has.
        place = (check.action, check.resource, tuple(check.context))
        answers = self._kept.get(place)
        if answers is None:
            return self._first(place, check, request)
        values = _values(answers.varying, check, request) if answers.varying else ()
        decision = answers.by_values.get(values)
        return self._ask(answers, values, check, request) if decision is None else decision

    def constant(self, check: Check) -> bool:
        """Of a check that was decided: whether the like of it, with other keys of its service, is decided alike.

        That is where no policy reads a key of the service, nor one of those that differ from request to request.
        """
        answers = self._kept.get((check.action, check.resource, tuple(check.context)))
        return answers is not None and answers.constant

    def _first(
        self, place: tuple[str, str, tuple[str, ...]], check: Check, request: Callable[[], Values]
    ) -> Decision:
        question, policies = self._authorizer.question(self._situation(request()), check)
        brought = {name.lower() for name in check.context}
        # Of one caller from one place all other keys stay as they are, also those that are absent.
        read = keys_read(policies)
        varying = tuple(key for key in read if key in brought or key in _VOLATILE)
        own = check.action.partition(":")[0].lower() + ":"
        constant = not varying and not any(key.startswith(own) for key in read)
        constant = constant and all(name.startswith(own) for name in brought)
        answers = _Answers(varying, constant=constant)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[place] = answers
        decision = evaluate(question, policies)
        answers.by_values[_values(answers.varying, check, request)] = decision
        return decision

    def _ask(
        self, answers: _Answers, values: tuple[Value, ...], check: Check, request: Callable[[], Values]
    ) -> Decision:
        decision = self._authorizer.decide(self._situation(request()), check)
        if len(answers.by_values) >= _MOST_KEPT:
            answers.by_values.clear()
        answers.by_values[values] = decision
        return decision


def _values(varying: tuple[str, ...], check: Check, request: Callable[[], Values]) -> tuple[Value, ...]:
    """What the varying keys are this time; None for an absent one."""
    given: dict[str, str | tuple[str, ...]] = {}
    if not _VOLATILE.isdisjoint(varying):
        given = {name.lower(): value for name, value in request().items()}
    given.update({name.lower(): value for name, value in check.context.items()})
    return tuple([given.get(key) for key in varying])
