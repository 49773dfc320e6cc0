"""The policy simulator: questions to the engine that decides requests, and its answers in the simulator's words.

Source: IAM API Reference, EvaluationResult and ResourceSpecificResult: one result per action, with the most restrictive
decision of all its resources; statements and missing keys of SCPs are not told; RCPs take no part. A boundary's
statements are not told either ("only statements from identity-based and resource-based policies appear here").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from casemate.model.principals import Principal
from casemate.policy.catalogue import action as catalogued
from casemate.policy.decision import (
    Decision,
    Element,
    LayerTrace,
    Outcome,
    PolicyType,
    Reason,
    StatementTrace,
)
from casemate.policy.evaluation import evaluate
from casemate.policy.positions import Position, statement_spans
from casemate.policy.references import condition_keys, distinct, resource_keys
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet
from casemate.servicekit.service import ContextValues
from casemate.services.iam.simulated_policies import IAM_POLICY, RESOURCE_POLICY, SimulatedPolicy

_RESTRICTIVENESS = ("allowed", "implicitDeny", "explicitDeny")
_TOLD = {PolicyType.IDENTITY: IAM_POLICY, PolicyType.RESOURCE: RESOURCE_POLICY}
_OUTCOMES = {
    Outcome.ALLOW: "allowed",
    Outcome.EXPLICIT_DENY: "explicitDeny",
    Outcome.IMPLICIT_DENY: "implicitDeny",
}


class Simulation(Struct, frozen=True, kw_only=True):
    """Who asks, under which policies, in which circumstances."""

    caller: Principal
    identity: tuple[SimulatedPolicy, ...]
    boundary: SimulatedPolicy | None = None
    resource: SimulatedPolicy | None = None
    scps: tuple[PolicyLevel, ...] | None = None
    """None: the caller's account is in no organization."""
    resource_owner: str
    """Account of the resources whose ARN names none."""
    context: ContextValues

    def result(self, action: str, resources: Sequence[str]) -> dict[str, Any]:
        """The EvaluationResult of one action; `resources` empty stands for `*`."""
        trials = [_Trial(self, action, resource) for resource in resources or ("*",)]
        decision = max((trial.decision for trial in trials), key=_RESTRICTIVENESS.index)
        deciding = [trial for trial in trials if trial.decision == decision]
        result: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": _template(action, resources),
            "EvalDecision": decision,
            "MatchedStatements": _union(trial.statements for trial in deciding),
            "MissingContextValues": list(distinct(key for trial in trials for key in trial.missing)),
        }
        if self.scps is not None:
            by_organization = all(trial.allowed_by_organizations for trial in trials)
            result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": by_organization}
        if self.boundary is not None:
            result["PermissionsBoundaryDecisionDetail"] = {
                "AllowedByPermissionsBoundary": all(trial.allowed_by_boundary for trial in trials)
            }
        if resources:
            if all(trial.allowed_by_organizations for trial in trials):
                result["EvalDecisionDetails"] = _most_restrictive(trial.details for trial in trials)
            result["ResourceSpecificResults"] = [trial.specific_result() for trial in trials]
        return result


class _Trial:
    """One action on one resource."""

    def __init__(self, simulation: Simulation, action: str, resource: str) -> None:
        self._simulation = simulation
        self._resource = resource
        owner = _owner(resource) or simulation.resource_owner
        self._policies = {each.policy.label: each for each in simulation.identity}
        if simulation.resource is not None:
            self._policies[simulation.resource.policy.label] = simulation.resource
        request = AuthorizationRequest(
            principal=simulation.caller,
            action=action,
            resource=resource,
            resource_account=owner,
            context=simulation.context,
        )
        self._decision: Decision = evaluate(
            request,
            PolicySet(
                identity=tuple(each.policy for each in simulation.identity),
                boundary=simulation.boundary and simulation.boundary.policy,
                scps=simulation.scps or (),
                resource=simulation.resource and simulation.resource.policy,
            ),
        )
        self._cross_account = owner != simulation.caller.account
        self.decision = {Reason.EXPLICIT_DENY: "explicitDeny", Reason.NO_ALLOW: "implicitDeny"}.get(
            self._decision.reason, "allowed"
        )

    def _layers(self, kind: PolicyType) -> list[LayerTrace]:
        return [layer for layer in self._decision.layers if layer.type is kind]

    @property
    def allowed_by_organizations(self) -> bool:
        """Whether every level of SCPs allows."""
        return all(
            layer.outcome in {Outcome.ALLOW, Outcome.NOT_APPLICABLE} for layer in self._layers(PolicyType.SCP)
        )

    @property
    def allowed_by_boundary(self) -> bool:
        """Whether the permissions boundary allows."""
        return all(
            layer.outcome in {Outcome.ALLOW, Outcome.NOT_APPLICABLE}
            for layer in self._layers(PolicyType.BOUNDARY)
        )

    @property
    def details(self) -> dict[str, str]:
        """What each type of policy says, where two accounts are asked."""
        if not self._cross_account:
            return {}
        told = [(name, layer) for kind, name in _TOLD.items() for layer in self._layers(kind)]
        return {name: _OUTCOMES[layer.outcome] for name, layer in told if layer.outcome in _OUTCOMES}

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements that made the decision: denials alone where one denies."""
        if self.decision == "implicitDeny":
            return []
        effect = Outcome.EXPLICIT_DENY if self.decision == "explicitDeny" else Outcome.ALLOW
        return [
            self._told(trace, name)
            for kind, name in _TOLD.items()
            for layer in self._layers(kind)
            for trace in layer.statements
            if trace.applied and trace.effect is effect
        ]

    def _told(self, trace: StatementTrace, source_type: str) -> dict[str, Any]:
        found = self._policies[trace.policy]
        span = statement_spans(found.policy.document)[trace.index]
        return {
            "SourcePolicyId": found.id,
            "SourcePolicyType": source_type,
            "StartPosition": _place(span.start),
            "EndPosition": _place(span.end),
        }

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys that statements on this action (and resource) read and the simulation was not given."""
        given = {name.lower() for name in self._simulation.context}
        keys = (
            key
            for kind in _TOLD
            for layer in self._layers(kind)
            for trace in layer.statements
            for key in self._read(trace)
        )
        return distinct(key for key in keys if key.lower() not in given)

    def _read(self, trace: StatementTrace) -> tuple[str, ...]:
        policy = self._policies[trace.policy].policy
        statement = policy.statements[trace.index]
        if trace.failed in {Element.PRINCIPAL, Element.ACTION}:
            return ()
        named = resource_keys(policy, statement)
        # With a variable that has no value it is not known whether the statement is about this resource.
        return named if trace.failed is Element.RESOURCE else (*named, *condition_keys(policy, statement))

    def specific_result(self) -> dict[str, Any]:
        """The ResourceSpecificResult."""
        result: dict[str, Any] = {
            "EvalResourceName": self._resource,
            "EvalResourceDecision": self.decision,
            "MatchedStatements": self.statements,
            "MissingContextValues": list(self.missing),
        }
        if self._cross_account and self.allowed_by_organizations:
            result["EvalDecisionDetails"] = self.details
        if self._simulation.boundary is not None:
            result["PermissionsBoundaryDecisionDetail"] = {
                "AllowedByPermissionsBoundary": self.allowed_by_boundary
            }
        return result


def _owner(resource: str) -> str:
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else ""


def _place(position: Position) -> dict[str, int]:
    return {"Line": position.line, "Column": position.column}


def _union(groups: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for group in groups:
        found += [each for each in group if each not in found]
    return found


def _most_restrictive(details: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in details:
        for name, decision in each.items():
            found[name] = max(found.get(name, decision), decision, key=_RESTRICTIVENESS.index)
    return found


def _template(action: str, resources: Sequence[str]) -> str:
    """The ARN template of the simulated resource type, or `*`."""
    known = catalogued(action)
    if known is None or not known.resources or not resources:
        return "*"
    kinds = [each.type for each in known.resources]
    return next((kind.arn for kind in kinds if kind.matches(resources[0])), kinds[0].arn)
