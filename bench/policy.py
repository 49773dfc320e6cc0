"""Policy decisions per second, complete trace included, beside npm @cloud-copilot/iam-simulate in the same run.

Run: PYTHONPATH=src:. python bench/policy.py [--no-peer]

Both are given the documents and requests of `policy_cases`, parsed beforehand, and take turns; medians of the turns.
"Again" asks the same request over and over, "new" never asks a request twice: Casemate keeps answers, so the second
number is the one to believe for traffic that does not repeat itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from bench.policy_cases import COMPLEX, SIMPLE, Asked, Document, Policies, complex_, simple
from bench.policy_peer import IamSimulate, NoPeerError
from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

TURNS = 15
PER_TURN = {"simple": 2000, "complex": 500}
PEER_WAYS = ("unvalidated", "pre-parsed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One of the two requests, in as many variants as all turns together ask."""

    name: str
    policies: Policies
    asked: list[Asked]

    @property
    def per_turn(self) -> int:
        return PER_TURN[self.name]


def cases() -> list[Case]:
    made = [("simple", SIMPLE, simple), ("complex", COMPLEX, complex_)]
    return [
        Case(name=name, policies=policies, asked=[ask(n) for n in range((TURNS + 1) * PER_TURN[name])])
        for name, policies, ask in made
    ]


def _policy(document: Document, kind: PolicyType, label: str) -> Policy:
    return parse_policy(json.dumps(document), kind=kind, label=label)


def _one(document: Document | None, kind: PolicyType) -> Policy | None:
    return None if document is None else _policy(document, kind, kind.value)


def _levels(given: Sequence[Sequence[Document]], kind: PolicyType) -> tuple[PolicyLevel, ...]:
    # RCPFullAWSAccess is implied: the engine's RCP level has the policies that were added to it.
    return tuple(
        PolicyLevel(
            target_id=f"ou-{depth}",
            policies=tuple(
                _policy(document, kind, f"{kind.value} {depth}.{index}")
                for index, document in enumerate(documents)
                if kind is PolicyType.SCP or index
            ),
        )
        for depth, documents in enumerate(given)
    )


def policy_set(given: Policies) -> PolicySet:
    return PolicySet(
        identity=tuple(
            _policy(document, PolicyType.IDENTITY, f"identity {index}")
            for index, document in enumerate(given.identity)
        ),
        scps=_levels(given.scps, PolicyType.SCP),
        rcps=_levels(given.rcps, PolicyType.RCP),
        boundary=_one(given.boundary, PolicyType.BOUNDARY),
        session=(_policy(given.session, PolicyType.SESSION, "session"),) if given.session else (),
        endpoint=_one(given.endpoint, PolicyType.ENDPOINT),
        resource=_one(given.resource, PolicyType.RESOURCE),
    )


def request(asked: Asked) -> AuthorizationRequest:
    name = asked.principal.rpartition("/")[2]
    if ":assumed-role/" in asked.principal:
        principal = Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=asked.principal,
            account=asked.account,
            user_id=str(asked.context["aws:userid"]),
            role_arn=str(asked.context["aws:PrincipalArn"]),
            session_name=name,
        )
    else:
        principal = Principal(
            kind=PrincipalKind.USER,
            arn=asked.principal,
            account=asked.account,
            user_id="AIDAEXAMPLEEXAMPLE001",
            user_name=name,
        )
    return AuthorizationRequest(
        principal=principal,
        action=asked.action,
        resource=asked.resource,
        resource_account=asked.account,
        context={
            key: tuple(value) if isinstance(value, list) else value for key, value in asked.context.items()
        },
    )


def ours(requests: Sequence[AuthorizationRequest], policies: PolicySet) -> float:
    """Nanoseconds per decision."""
    allowed = 0
    start = time.perf_counter_ns()
    for one in requests:
        allowed += evaluate(one, policies).allowed
    spent = time.perf_counter_ns() - start
    assert allowed == len(requests)
    return spent / len(requests)


Turn = Callable[[int], float]


def turns_of(case: Case, peer: IamSimulate | None) -> dict[str, Turn]:
    """What takes turns: each a function from the turn's number to nanoseconds per decision."""
    count = case.per_turn
    policies = policy_set(case.policies)
    requests = [request(one) for one in case.asked]
    turns: dict[str, Turn] = {
        "casemate, again": lambda _: ours([requests[0]] * count, policies),
        "casemate, new": lambda turn: ours(requests[turn * count : (turn + 1) * count], policies),
    }

    def theirs(way: str, *, again: bool) -> Turn:
        def turn(number: int) -> float:
            assert peer is not None
            answer = peer.ask(run=case.name, way=way, **{"from": number * count}, count=count, again=again)
            assert answer["allowed"] == count, answer
            return answer["ns"]

        return turn

    if peer is not None:
        for way in PEER_WAYS:
            error = peer.ask(run=case.name, way=way, **{"from": 0}, count=1, again=True).get("error")
            if error:
                print(f"iam-simulate {way}: cannot answer the {case.name} request: {error}", file=sys.stderr)
                continue
            turns[f"iam-simulate {way}, again"] = theirs(way, again=True)
            turns[f"iam-simulate {way}, new"] = theirs(way, again=False)
    return turns


def measure(case: Case, peer: IamSimulate | None) -> dict[str, float]:
    """Median nanoseconds per decision. The first turn warms everybody up and does not count."""
    turns = turns_of(case, peer)
    gc.collect()
    gc.freeze()
    samples: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(TURNS + 1):
        for name, turn in turns.items():
            spent = turn(number)
            if number:
                samples[name].append(spent)
    gc.unfreeze()
    return {name: statistics.median(values) for name, values in samples.items()}


def show(case: Case, medians: dict[str, float]) -> None:
    print(f"\n{case.name} request")
    for name, spent in medians.items():
        print(f"  {name:<34}{1e9 / spent:>12,.0f} /s {spent / 1000:>9.1f} us")
    for kind in ("again", "new"):
        best = min(
            (spent for name, spent in medians.items() if name.startswith("iam-") and name.endswith(kind)),
            default=None,
        )
        if best is not None:
            ratio = best / medians[f"casemate, {kind}"]
            print(f"  {kind}: casemate decides {ratio:.1f} times as many as iam-simulate at its fastest")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--no-peer", action="store_true", help="Casemate alone")
    options = parser.parse_args()
    peer: IamSimulate | None = None
    if not options.no_peer:
        try:
            peer = IamSimulate()
        except NoPeerError as error:
            print(f"iam-simulate: not measured: {error}", file=sys.stderr)
    print(f"python {sys.version.split()[0]}" + (f", iam-simulate {peer.version}" if peer else ""))
    if peer is None:
        for case in cases():
            show(case, measure(case, None))
        return 0
    with peer:
        for case in cases():
            peer.ask(
                load={
                    case.name: {
                        "policies": asdict(case.policies),
                        "requests": [asdict(one) for one in case.asked],
                    }
                }
            )
            show(case, measure(case, peer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
