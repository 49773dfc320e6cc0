"""Load every policy of a clone of aws-samples/data-perimeter-policy-examples and decide requests by it.

    python tests/conformance/policy/data_perimeter/check_originals.py CHECKOUT

Placeholders such as `<my-org-id>` are filled in first. Each file is parsed under its type and size limit; then the
requests of `original_expectations` are decided by it. Prints what does not load and what is decided otherwise than its
README says; exits with 1 when anything is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

_ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(_ROOT / "src"), str(_ROOT)]

from tests.conformance.policy.data_perimeter.original_expectations import (  # noqa: E402
    EXPECTATIONS,
    ORG,
    SECOND_REGION,
    SECOND_VPC,
    SERVICE_ACCOUNT,
    THIRD_PARTY,
    VPC,
    Expectation,
    Keys,
)
from tests.support.policy import FULL, policies_of, policy, request_of  # noqa: E402

from casemate.policy.decision import PolicyType  # noqa: E402
from casemate.policy.document import Policy  # noqa: E402
from casemate.policy.errors import MalformedPolicy, PolicyTooLarge  # noqa: E402
from casemate.policy.evaluation import evaluate  # noqa: E402
from casemate.policy.parser import parse_policy  # noqa: E402
from casemate.policy.request import PolicyLevel, PolicySet  # noqa: E402
from casemate.policy.sizes import PolicyUse, check_size  # noqa: E402

FOLDERS = {
    "service_control_policies": (PolicyType.SCP, PolicyUse.SCP),
    "resource_control_policies": (PolicyType.RCP, PolicyUse.RCP),
    "vpc_endpoint_policies": (PolicyType.ENDPOINT, PolicyUse.ENDPOINT),
}
RESOURCE_POLICIES = re.compile(r"(_policy|deny_sse-c)\.json$")
"""In the RCPs' subfolders: policies for services that RCPs do not support."""
PLACEHOLDERS = (
    (r"cidr", "203.0.113.0/24"),
    (r"^my-org-id$", ORG),
    (r"^my-vpc-region-2$", SECOND_REGION),
    (r"^my-vpc-region$", "us-east-2"),
    (r"^(my-vpc|trusted-vpc-id)", VPC),
    (r"region$", "us-east-2"),
    (r"^RegionWithoutDashes$", "useast2"),
    (r"third-party-account", THIRD_PARTY),
    (r"third-party-resource", "arn:aws:s3:::partner/*"),
    (r"account", SERVICE_ACCOUNT),
    (r"email_domain", "ours.example"),
    (r"^trusted-", "trusted"),
    (r"OIDC_provider_name_1", "token.idp.example"),
    (r"OIDC_provider_name_2", "token.second.example"),
    (r"tenant", "tenant"),
    (r"^(my-)?action$", "s3:GetObject"),
)
"""What stands in angle brackets, and what the expectations have in its place."""


def filled(text: str) -> str:
    """The text with every placeholder replaced by something of its kind."""

    def value(match: re.Match[str]) -> str:
        found = (to for pattern, to in PLACEHOLDERS if re.search(pattern, match[1], re.IGNORECASE))
        return next(found, "x1")

    return re.sub(r"<([^<>]+)>", value, text)


def document_of(path: Path) -> dict[str, Any]:
    """The file with its placeholders filled in."""
    document = json.loads(path.read_text())
    statements: list[Any] = []
    for each in document["Statement"]:
        text = json.dumps(each)
        if "<my-vpc-region-2>" in text:
            # Written like the first, for a VPC of the organization in another Region.
            text = text.replace("<my-vpc-in-this-region>", SECOND_VPC)
        statements.append(json.loads(filled(text)))
    return {**document, "Statement": statements}


def loads(path: Path, kind: PolicyType, use: PolicyUse | None) -> str | None:
    """Why the file does not load; None when it does."""
    text = json.dumps(document_of(path))
    try:
        parse_policy(text, kind=kind, label=path.name)
        if use is not None:
            check_size(use, text)
    except (MalformedPolicy, PolicyTooLarge) as error:
        return getattr(error, "detail", "") or str(error)
    return None


def without(document: dict[str, Any], sids: set[str], kind: PolicyType) -> Policy | None:
    """The policy with some statements taken away; None when nothing is left."""
    kept = [each for each in document["Statement"] if each["Sid"] not in sids]
    return parse_policy(json.dumps({**document, "Statement": kept}), kind=kind, label="it") if kept else None


def allowed(one: Policy | None, kind: PolicyType, request: Expectation, action: str, keys: Keys) -> bool:
    """What the policy makes of a request that everything else allows."""
    asked = request_of(
        {
            "principal": "anonymous" if kind is PolicyType.RCP else "role",
            "action": action,
            "resource": request.resource,
            "context": {**request.given, **keys},
        }
    )
    everything = policy({**FULL, "Principal": "*"}, kind=PolicyType.RESOURCE, label="open")
    policies: PolicySet = replace(policies_of({"identity": ["full"]}), resource=everything)
    full = policy(FULL, kind=PolicyType.SCP, label="full")
    held = () if one is None else (one,)
    if kind is PolicyType.SCP:
        policies = replace(policies, scps=(PolicyLevel(target_id="r-ab12", policies=(full, *held)),))
    elif kind is PolicyType.RCP:
        policies = replace(policies, rcps=(PolicyLevel(target_id="r-ab12", policies=held),))
    elif one is None:
        return False
    else:
        policies = replace(policies, endpoint=one)
    return evaluate(asked, policies).allowed


def decided(path: Path, kind: PolicyType, one: Expectation) -> Iterator[tuple[str, bool]]:
    """Each request of the expectation in words, and whether it is decided as expected."""
    document = document_of(path)
    # The one file that AWS's own syntax refuses is decided without the statements that make it so.
    barred = {
        each["Sid"] for each in document["Statement"] if kind is PolicyType.RCP and each.get("Action") == "*"
    }
    whole, rest = without(document, barred, kind), without(document, {*barred, one.sid}, kind)
    denies = next(each for each in document["Statement"] if each["Sid"] == one.sid)["Effect"] == "Deny"
    for words, keys in one.lets.items():
        by_itself = denies or not allowed(rest, kind, one, one.action, keys)
        yield f"lets {words}", allowed(whole, kind, one, one.action, keys) and by_itself
    for words, keys in one.stops.items():
        by_itself = not denies or allowed(rest, kind, one, one.action, keys)
        yield f"stops {words}", not allowed(whole, kind, one, one.action, keys) and by_itself
    for action in one.spared:
        for words, keys in one.stops.items():
            yield f"lets {action} {words}", allowed(whole, kind, one, action, keys)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    root = Path(sys.argv[1])
    loaded, requests, wrong = 0, 0, 0
    sids: set[tuple[str, str]] = set()
    for folder, (kind, use) in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.json")):
            nested = path.parent.name != folder and kind is PolicyType.RCP
            here = PolicyType.RESOURCE if nested and RESOURCE_POLICIES.search(path.name) else kind
            why = loads(path, here, use if here is kind else None)
            loaded += why is None
            if why is not None:
                print(f"does not load: {path.relative_to(root)}: {why}")
            sids |= {(path.stem, each["Sid"]) for each in json.loads(path.read_text())["Statement"]}
            for one in (each for each in EXPECTATIONS if each.file == path.stem):
                for words, right in decided(path, kind, one):
                    requests += 1
                    if not right:
                        wrong += 1
                        print(f"NOT AS DESCRIBED: {path.stem} {one.sid}: {words}")
    for file, sid in sorted(sids - {(each.file, each.sid) for each in EXPECTATIONS}):
        print(f"no expectation: {file} {sid}")
    print(f"{loaded} policies load; {requests} requests decided, {wrong} otherwise than described")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
