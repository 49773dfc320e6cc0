"""Why a call is allowed, refused, or never arrives: the network's verdict, then the policies' decision on that path.

The verdict walks the snapshot the kernel holds; the decision is made by the authorizer that decides requests. Nothing
is evaluated by other code than what serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from casemate.explain import render_case, to_json
from casemate.explain.summary import decided_by, path_of, remedy_of
from casemate.gateway.authorization import Authorizer, Situation
from casemate.gateway.context_keys import request_keys
from casemate.gateway.control import CommandError
from casemate.model.arns import Arn
from casemate.model.network import EndpointKind, NetworkSnapshot
from casemate.model.origin import EndpointOrigin, InternetOrigin, Origin
from casemate.model.principals import Principal, PrincipalKind
from casemate.model.regions import LAMBDA_PUBLIC_POOL
from casemate.policy.decision import Decision
from casemate.reachability import reach_name
from casemate.reachability.verdict import FromInterface, FromInternet, Outcome, Source, Verdict
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import Functions, Identities, Network
from casemate.servicekit.service import Check


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """May `source` do `action` on `target`, and does the packet get there?"""

    source: str
    """`lambda:NAME`, `laptop`, `user:NAME` or `role:NAME`."""
    target: str
    """`dynamodb:TABLE`."""
    action: str
    account: str
    region: str
    """Of the source."""
    target_region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Caller:
    principal: Principal
    vpc_id: str | None
    sources: tuple[Source, ...]


class Explainer:
    """Answers questions about calls nobody has made yet."""

    def __init__(
        self,
        *,
        network: Network,
        authorizer: Authorizer,
        functions: Functions,
        identities: Identities,
        clock: Clock,
        laptop: IPv4Address,
    ) -> None:
        self._network = network
        self._authorizer = authorizer
        self._functions = functions
        self._identities = identities
        self._clock = clock
        self._laptop = laptop

    def explain(self, question: Question) -> dict[str, Any]:
        """`text` for people and `json`: `outcome`, `path`, `decided`, `remedy`, `verdict`, `decision`.

        CommandError when the question names something that does not exist.
        """
        service, _, name = question.target.partition(":")
        if service != "dynamodb" or not name:
            raise CommandError(f"--to {question.target}: only dynamodb:TABLE can be explained yet")
        snapshot = self._network.snapshot()
        caller = self._caller(question)
        host = f"dynamodb.{question.target_region}.amazonaws.com"
        verdicts = [reach_name(snapshot, source, host) for source in caller.sources]
        # A function with interfaces in several subnets may be placed in any: show the one that fails first.
        verdict = next((one for one in verdicts if one.outcome is not Outcome.REACHED), verdicts[0])
        title = f"{question.source} -> {question.action} on {question.target} in {question.target_region}"
        decision = None
        if verdict.outcome is Outcome.REACHED:
            resource = f"arn:aws:dynamodb:{question.target_region}:{question.account}:table/{name}"
            decision = self._decide(question, caller, _origin(snapshot, caller, verdict), resource)
        return {
            "text": render_case(title=title, verdict=verdict, decision=decision),
            "json": _as_json(snapshot, verdict, decision),
        }

    def _decide(self, question: Question, caller: _Caller, origin: Origin, resource: str) -> Decision:
        now: datetime = self._clock()
        situation = Situation(
            service="dynamodb",
            region=question.target_region,
            principal=caller.principal,
            origin=origin,
            request=request_keys(
                region=question.target_region, now=now, tls=True, user_agent="casemate explain"
            ),
        )
        return self._authorizer.decide(situation, Check(action=question.action, resource=resource))

    def _caller(self, question: Question) -> _Caller:
        kind, _, name = question.source.partition(":")
        match kind:
            case "lambda":
                return self._function(question, name)
            case "laptop" | "user":
                return self._laptop_caller(_user(question.account, name or "admin"))
            case "role":
                role_arn = self._identities.role_arn(question.account, name)
                if role_arn is None:
                    raise CommandError(f"account {question.account} has no role {name}")
                return self._laptop_caller(_session(role_arn, "explain"))
            case _:
                raise CommandError(
                    f"--from {question.source}: use lambda:NAME, laptop, user:NAME or role:NAME"
                )

    def _laptop_caller(self, principal: Principal) -> _Caller:
        return _Caller(principal=principal, vpc_id=None, sources=(FromInternet(address=self._laptop),))

    def _function(self, question: Question, name: str) -> _Caller:
        facts = self._functions.function_facts(account=question.account, region=question.region, name=name)
        if facts is None:
            raise CommandError(f"account {question.account} has no function {name} in {question.region}")
        sources: tuple[Source, ...] = tuple(FromInterface(interface_id=one) for one in facts.interface_ids)
        principal = _session(facts.role_arn, name, function_arn=facts.function_arn)
        outside = (FromInternet(address=LAMBDA_PUBLIC_POOL[10]),)
        return _Caller(principal=principal, vpc_id=facts.vpc_id, sources=sources or outside)


def _user(account: str, name: str) -> Principal:
    return Principal(
        kind=PrincipalKind.USER,
        arn=f"arn:aws:iam::{account}:user/{name}",
        account=account,
        user_id="AIDAEXPLAIN0000000000",
        user_name=name,
    )


def _session(role_arn: str, session: str, *, function_arn: str | None = None) -> Principal:
    arn = Arn.parse(role_arn)
    role = arn.resource.rpartition("/")[2]
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        arn=f"arn:aws:sts::{arn.account}:assumed-role/{role}/{session}",
        account=arn.account,
        user_id=f"AROAEXPLAIN0000000000:{session}",
        role_arn=role_arn,
        session_name=session,
        source_function_arn=function_arn,
    )


def _origin(snapshot: NetworkSnapshot, caller: _Caller, verdict: Verdict) -> Origin:
    """Where the service will see the request come from, as the verdict says."""
    assert verdict.source_seen is not None
    if verdict.via_endpoint is None or caller.vpc_id is None:
        return InternetOrigin(address=verdict.source_seen)
    vpc = snapshot.vpcs[caller.vpc_id]
    return EndpointOrigin(
        vpc_id=caller.vpc_id,
        endpoint_id=verdict.via_endpoint,
        endpoint_account=vpc.account,
        address=verdict.source_seen,
        is_gateway=vpc.endpoints[verdict.via_endpoint].kind is EndpointKind.GATEWAY,
    )


def _as_json(snapshot: NetworkSnapshot, verdict: Verdict, decision: Decision | None) -> dict[str, Any]:
    outcome = "never arrives"
    if decision is not None:
        outcome = "allowed" if decision.allowed else "refused"
    return {
        "outcome": outcome,
        "path": path_of(verdict),
        "decided": decided_by(verdict, decision),
        "remedy": remedy_of(verdict, decision),
        "verdict": to_json(verdict),
        "decision": None if decision is None else to_json(decision),
        "generation": snapshot.generation,
    }
