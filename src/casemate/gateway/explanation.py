"""Why a call is allowed, refused, or never arrives: the network's verdict, then the policies' decision on that path.

The verdict walks the snapshot the kernel holds; the decision is made by the authorizer that decides requests. Nothing
is evaluated by other code than what serves.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from casemate.explain import render_case, to_json
from casemate.explain.remedies import decision_remedy
from casemate.explain.summary import decided_by, path_of, remedy_of, short_ids
from casemate.gateway.authorization import Authorizer, Situation
from casemate.gateway.context_keys import request_keys
from casemate.gateway.control import CommandError
from casemate.gateway.detours import detours
from casemate.gateway.table_key_question import key_refusal
from casemate.model.arns import Arn
from casemate.model.network import EndpointKind, NetworkSnapshot
from casemate.model.origin import EndpointOrigin, InternetOrigin, Origin
from casemate.model.principals import InstanceSource, Principal, PrincipalKind
from casemate.model.regions import LAMBDA_PUBLIC_POOL, REGIONS
from casemate.policy.decision import Decision
from casemate.reachability import reach_name
from casemate.reachability.verdict import FromInterface, FromInternet, Outcome, Source, Verdict
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import (
    Directory,
    Functions,
    Identities,
    Instances,
    Network,
    Organization,
    Tables,
)
from casemate.servicekit.service import Check


class Question(Struct, frozen=True, kw_only=True):
    """May `source` do `action` on `target`, and does the packet get there?"""

    source: str
    """`lambda:NAME`, `i-...`, `laptop`, `user:NAME` or `role:NAME`."""
    target: str
    """`dynamodb:TABLE`, or `name:HOST[:PORT]`, of which the network alone is explained."""
    action: str
    account: str
    region: str
    """Of the source."""
    target_region: str


class _Caller(Struct, frozen=True, kw_only=True):
    principal: Principal | None
    """None: it has no credentials, so that it can be asked only whether packets arrive."""
    vpc_id: str | None
    sources: tuple[Source, ...]


class _Answer(Struct, frozen=True, kw_only=True):
    """What becomes of a request that leaves `source`."""

    source: Source
    verdict: Verdict
    decision: Decision | None
    """None when it never arrives. KMS's, where the table's key is what refuses."""
    failure: str = ""
    """Why the service cannot do what is allowed: the table's key is disabled, say."""

    @property
    def works(self) -> bool:
        return self.decision is not None and self.decision.allowed and not self.failure


class Explainer:
    """Answers questions about calls nobody has made yet."""

    def __init__(
        self,
        *,
        network: Network,
        authorizer: Authorizer,
        functions: Functions,
        instances: Instances,
        tables: Tables,
        identities: Identities,
        directory: Directory,
        organization: Organization,
        clock: Clock,
        laptop: IPv4Address,
    ) -> None:
        self._network = network
        self._authorizer = authorizer
        self._functions = functions
        self._instances = instances
        self._tables = tables
        self._identities = identities
        self._directory = directory
        self._organization = organization
        self._clock = clock
        self._laptop = laptop

    def explain(self, question: Question) -> dict[str, Any]:
        """`text` for people and `json`: `outcome`, `path`, `decided`, `remedy`, `verdict`, `decision`.

        CommandError when the question names something that does not exist.
        """
        if question.target.startswith("name:"):
            return self._explain_name(question)
        self._refuse_nonsense(question)
        name = question.target.partition(":")[2]
        snapshot = self._network.snapshot()
        caller = self._caller(question)
        if caller.principal is None:
            raise CommandError(
                f"{question.source} has no instance profile with a role: an SDK in it finds no credentials. "
                "Associate one, or ask about the network alone with --to name:HOST"
            )
        judged = [self._judge(question, caller, snapshot, source) for source in caller.sources]
        # A function with interfaces in several subnets may be placed in any: show the one that fails first.
        answer = next((one for one in judged if not one.works), judged[0])
        change = "" if answer.works else self._smaller_change(question, caller, snapshot, answer)
        verdict, decision = answer.verdict, answer.decision
        if change and decision is None:
            verdict = replace(verdict, remedy=change)
        title = f"{question.source} -> {question.action} on {question.target} in {question.target_region}"
        text = render_case(
            title=title, verdict=verdict, decision=decision, change=change, failure=answer.failure
        )
        exists = self._tables.table_exists(account=question.account, region=question.target_region, name=name)
        if not exists:
            text += (
                f"\n\nThere is no table {name} in {question.target_region}: "
                "a call that is let in gets ResourceNotFoundException."
            )
        members = _as_json(snapshot, verdict, decision, answer.failure)
        if change:
            members["remedy"] = short_ids(change)
        return {"text": text, "json": {**members, "target_exists": exists}}

    def _explain_name(self, question: Question) -> dict[str, Any]:
        """Where a name leads from there, and whether a TCP connection gets there: any service, any host."""
        host, _, port = question.target.removeprefix("name:").partition(":")
        if not host or (port and not (port.isdecimal() and int(port) < 65536)):
            raise CommandError(
                f"--to {question.target}: name a host, such as name:sts.us-east-2.amazonaws.com:443"
            )
        snapshot = self._network.snapshot()
        verdicts = [
            reach_name(snapshot, source, host, port=int(port or 443))
            for source in self._caller(question).sources
        ]
        verdict = next((one for one in verdicts if one.outcome is not Outcome.REACHED), verdicts[0])
        title = f"{question.source} -> {host} port {port or 443}"
        members = {**_as_json(snapshot, verdict, None), "outcome": verdict.outcome.value}
        return {"text": render_case(title=title, verdict=verdict), "json": members}

    def _refuse_nonsense(self, question: Question) -> None:
        service, _, name = question.target.partition(":")
        if service != "dynamodb" or not name:
            raise CommandError(
                f"--to {question.target}: only dynamodb:TABLE and name:HOST[:PORT] can be explained yet"
            )
        if not question.action.startswith("dynamodb:"):
            raise CommandError(f"--action {question.action}: name an action such as dynamodb:GetItem")
        for region in (question.region, question.target_region):
            if region not in REGIONS:
                raise CommandError(f"{region} is no Region; use one such as us-east-2")
        if not self._organization.account_exists(question.account):
            raise CommandError(f"there is no account {question.account}")

    def _judge(
        self, question: Question, caller: _Caller, snapshot: NetworkSnapshot, source: Source
    ) -> _Answer:
        """Does the packet arrive on that network, and is the request allowed?"""
        verdict = reach_name(snapshot, source, f"dynamodb.{question.target_region}.amazonaws.com")
        if verdict.outcome is not Outcome.REACHED:
            return _Answer(source=source, verdict=verdict, decision=None)
        situation = self._situation(question, caller, _origin(snapshot, caller, verdict))
        name = question.target.partition(":")[2]
        resource = f"arn:aws:dynamodb:{question.target_region}:{question.account}:table/{name}"
        check = Check(action=question.action, resource=resource)
        decision, failure = self._authorizer.decide(situation, check), ""
        if decision.allowed:
            refused = key_refusal(situation, check, tables=self._tables, authorizer=self._authorizer)
            if refused is not None:
                decision, failure = refused.decision or decision, refused.message
        return _Answer(source=source, verdict=verdict, decision=decision, failure=failure)

    def _smaller_change(
        self, question: Question, caller: _Caller, snapshot: NetworkSnapshot, answer: _Answer
    ) -> str:
        """An endpoint that is there already, where associating it lets the request in; proved by asking again."""
        if not isinstance(answer.source, FromInterface):
            return ""
        found = detours(
            snapshot,
            answer.source.interface_id,
            service="dynamodb",
            service_region=question.target_region,
        )
        half_way = ""
        for detour in found:
            after = self._judge(question, caller, detour.snapshot, answer.source)
            if after.works:
                return detour.change
            if after.decision is not None and answer.decision is None:
                half_way = half_way or f"{detour.change} Then {decision_remedy(after.decision)}."
        return half_way

    def _situation(self, question: Question, caller: _Caller, origin: Origin) -> Situation:
        assert caller.principal is not None, "who has no credentials is not judged"
        now: datetime = self._clock()
        return Situation(
            service="dynamodb",
            region=question.target_region,
            principal=caller.principal,
            origin=origin,
            request=request_keys(
                region=question.target_region, now=now, tls=True, user_agent="casemate explain"
            ),
        )

    def _caller(self, question: Question) -> _Caller:
        kind, _, name = question.source.partition(":")
        match kind:
            case "lambda":
                return self._function(question, name)
            case "laptop" | "user":
                user = self._directory.user(question.account, name or "admin")
                if user is None:
                    raise CommandError(f"account {question.account} has no user {name}")
                return self._laptop_caller(user)
            case "role":
                role_arn = self._identities.role_arn(question.account, name)
                if role_arn is None:
                    raise CommandError(f"account {question.account} has no role {name}")
                return self._laptop_caller(self._session(role_arn, "explain"))
            case _ if question.source.startswith("i-"):
                return self._instance(question)
            case _:
                raise CommandError(
                    f"--from {question.source}: use lambda:NAME, i-..., laptop, user:NAME or role:NAME"
                )

    def _laptop_caller(self, principal: Principal) -> _Caller:
        return _Caller(principal=principal, vpc_id=None, sources=(FromInternet(address=self._laptop),))

    def _function(self, question: Question, name: str) -> _Caller:
        facts = self._functions.function_facts(account=question.account, region=question.region, name=name)
        if facts is None:
            raise CommandError(f"account {question.account} has no function {name} in {question.region}")
        # As invocations are placed: not where a fault has taken the zone out while another works.
        working = self._network.snapshot().in_order(facts.interface_ids)
        sources: tuple[Source, ...] = tuple(FromInterface(interface_id=one) for one in working)
        principal = self._session(facts.role_arn, name, function_arn=facts.function_arn)
        outside = (FromInternet(address=LAMBDA_PUBLIC_POOL[10]),)
        return _Caller(principal=principal, vpc_id=facts.vpc_id, sources=sources or outside)

    def _instance(self, question: Question) -> _Caller:
        """Its primary interface, and the role of its instance profile as the metadata service hands it out."""
        name = question.source
        facts = self._instances.instance_facts(
            account=question.account, region=question.region, instance_id=name
        )
        if facts is None:
            raise CommandError(f"account {question.account} has no instance {name} in {question.region}")
        if facts.state != "running" or facts.interface_id is None:
            raise CommandError(f"{name} is {facts.state}, not running: nothing in it could ask")
        principal = None
        if facts.role_arn is not None:
            source = InstanceSource(
                arn=facts.arn, vpc_id=facts.vpc_id, private_ip=facts.private_ip, delivery="2.0"
            )
            principal = replace(self._session(facts.role_arn, name), source_instance=source)
        sources = (FromInterface(interface_id=facts.interface_id),)
        return _Caller(principal=principal, vpc_id=facts.vpc_id, sources=sources)

    def _session(self, role_arn: str, session: str, *, function_arn: str | None = None) -> Principal:
        """The principal that assuming the role gives, with the role's own tags."""
        role = self._directory.role(role_arn)
        if role is None:
            raise CommandError(f"{role_arn} does not exist any more")
        name = Arn.parse(role_arn).resource.rpartition("/")[2]
        return Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=f"arn:aws:sts::{role.account}:assumed-role/{name}/{session}",
            account=role.account,
            user_id=f"{role.role_id}:{session}",
            role_arn=role_arn,
            session_name=session,
            tags=role.tags,
            source_function_arn=function_arn,
            is_service_linked=role.is_service_linked,
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


def _as_json(
    snapshot: NetworkSnapshot, verdict: Verdict, decision: Decision | None, failure: str = ""
) -> dict[str, Any]:
    outcome = "never arrives"
    if decision is not None:
        outcome = "allowed" if decision.allowed and not failure else "refused"
    return {
        "outcome": outcome,
        "path": path_of(verdict),
        "decided": failure if decision and decision.allowed and failure else decided_by(verdict, decision),
        "remedy": remedy_of(verdict, decision),
        "verdict": to_json(verdict),
        "decision": None if decision is None else to_json(decision),
        "generation": snapshot.generation,
    }
