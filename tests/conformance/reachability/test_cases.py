"""Every case of the tables in this folder. A case is a network (the reference architecture, patched) and one flow."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from tests.support.networks import build, merged
from tests.support.reference import REFERENCE, REGION

from casemate.model.network import ICMP, ICMPV6, TCP, UDP, Address
from casemate.model.regions import service_address
from casemate.reachability.named import reach_name
from casemate.reachability.verdict import (
    Flow,
    FromInterface,
    FromInternet,
    HopKind,
    Outcome,
    ReasonCode,
    Source,
    Verdict,
)
from casemate.reachability.walk import reach

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMPV6}
TABLES = {path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("*.json"))}
CASES = [
    pytest.param(table.get("base", {}), case, id=f"{name}: {case['name']}")
    for name, table in TABLES.items()
    for case in table["cases"]
]


def _address(text: str) -> Address:
    if text[0].isdigit() or ":" in text:
        return ip_address(text)
    service, _, region = text.partition(".")
    return service_address(service, region or REGION)


def _verdict(base: dict[str, Any], case: dict[str, Any]) -> Verdict:
    snapshot = build(merged(merged(REFERENCE, base), case.get("with", {})))
    source: Source = FromInterface(interface_id=case["from"])
    if case["from"].startswith("internet "):
        source = FromInternet(address=ip_address(case["from"].split()[1]))
    name, _, port = case.get("traffic", "tcp 443").partition(" ")
    protocol = PROTOCOLS[name] if name in PROTOCOLS else int(name)
    if "to_name" in case:
        return reach_name(snapshot, source, case["to_name"], protocol=protocol, port=int(port or 0))
    return reach(
        snapshot,
        Flow(
            source=source,
            destination=_address(case["to"]),
            protocol=protocol,
            port=int(port or 0),
            source_port=case.get("source_port", 49152),
        ),
    )


@pytest.mark.parametrize(("base", "case"), CASES)
def test_case(base: dict[str, Any], case: dict[str, Any]) -> None:
    assert case["source"]
    verdict, expect = _verdict(base, case), case["expect"]
    stopped = [hop for hop in verdict.hops if not hop.passed]

    def seen(key: str) -> Any:
        match key:
            case "outcome":
                return verdict.outcome.value
            case "reason":
                return verdict.reason.value if verdict.reason else None
            case "via":
                return verdict.via_endpoint
            case "seen":
                return str(verdict.source_seen) if verdict.source_seen else None
            case "at":
                return verdict.destination_interface
            case "stopped_at":
                return stopped[-1].component if stopped else None
            case "returning":
                return stopped[-1].returning if stopped else None
            case "path":
                return [hop.component for hop in verdict.hops]
        raise AssertionError(f"unknown expectation {key}")

    contained = {
        "explains": verdict.explanation,
        "remedy": verdict.remedy,
        "matched": [hop.matched for hop in verdict.hops],
        "lost": [lost for hop in verdict.hops for lost in hop.lost],
    }
    for key, wanted in expect.items():
        if key in contained:
            for part in wanted:
                assert part in contained[key], (key, verdict)
        else:
            assert seen(key) == wanted, (key, verdict)
    _well_formed(verdict)


def _well_formed(verdict: Verdict) -> None:
    """What every verdict promises."""
    stopped = [hop for hop in verdict.hops if not hop.passed]
    # Nothing follows a stop, but the answer of a far end that refuses.
    assert all(hop.passed or hop.kind in (HopKind.SERVICE, HopKind.INTERNET) for hop in verdict.hops[:-1])
    if verdict.outcome is Outcome.REACHED:
        assert (verdict.reason, verdict.explanation, verdict.remedy, stopped) == (None, "", "", [])
        assert verdict.source_seen is not None
    else:
        assert verdict.reason is not None
        assert verdict.explanation.endswith(".")
        assert verdict.remedy.endswith(".")


def test_the_tables_hold_every_reason() -> None:
    produced = {case["expect"].get("reason") for table in TABLES.values() for case in table["cases"]}
    assert {reason.value for reason in ReasonCode} - produced == set()


def test_every_code_of_awss_analyzer_has_a_case_or_a_reason_why_not() -> None:
    listed = json.loads(Path(__file__).with_name("aws_codes").joinpath("codes_of_aws.json").read_text())
    produced, not_produced = set(listed["produced"]), set(listed["not_produced"])
    assert not produced & not_produced
    assert {reason.value for reason in ReasonCode if not reason.value.startswith("CM_")} == produced
    assert all(listed["not_produced"].values())
    assert len(produced | not_produced) == 89, "the list of November 2026"


def test_names_of_cases_are_unique() -> None:
    names = [case["name"] for table in TABLES.values() for case in table["cases"]]
    assert len(names) == len(set(names))
    assert len(names) >= 80
