"""Every case of names.json: one question to a VPC's resolver, or (from: null) to public DNS."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from tests.support.networks import AWS_PREFIX_LISTS, build, merged
from tests.support.reference import REFERENCE

from casemate.model.regions import service_address
from casemate.reachability.names import NameStatus, resolve

TABLE = json.loads((Path(__file__).parent / "names.json").read_text())


def _address(text: str) -> IPv4Address:
    if text.startswith("service "):
        _, service, *region = text.split()
        return service_address(service, region[0] if region else "")
    return IPv4Address(text)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in TABLE["cases"]])
def test_case(case: dict[str, Any]) -> None:
    assert case["source"]
    snapshot = build(merged(merged(REFERENCE, TABLE["base"]), case.get("with", {})))
    answer = resolve(snapshot, case.get("from", "vpc-main"), case["ask"])
    assert answer.status is NameStatus(case.get("status", "NOERROR")), answer
    assert bool(answer.addresses) == (answer.status is NameStatus.NOERROR)
    assert answer.why.endswith(".")
    assert answer == resolve(snapshot, case.get("from", "vpc-main"), case["ask"]), "answers are stable"

    def within(list_id: str) -> bool:
        return any(answer.addresses[0] in cidr for cidr in AWS_PREFIX_LISTS[list_id].cidrs)

    for key, wanted in case.items():
        match key:
            case "in":
                assert within(wanted), answer
            case "not_in":
                assert not within(wanted), answer
            case "in_network":
                assert any(answer.addresses[0] in IPv4Network(text) for text in wanted), answer
            case "addresses":
                assert sorted(answer.addresses) == sorted(_address(text) for text in wanted), answer
            case "endpoint":
                assert answer.private_dns_endpoint == wanted
            case _:
                assert key in ("name", "source", "with", "ask", "from", "status"), f"unknown member {key}"
