"""Which keys a request's context has, and with which values: gathered by the gateway as for any request.

context.json: when a global key is there. key_types.json: of which type it is, and whether it is a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from tests.support.policy import ACCOUNT, OTHER, PRINCIPALS, TABLE, cases, context_of, role, user

from casemate.gateway.authorization import Authorizer, PolicySources, Situation
from casemate.gateway.context_keys import forwarded_keys, forwarded_origin, request_keys
from casemate.gateway.failures import SealedMessages
from casemate.model.origin import EndpointOrigin, InternetOrigin, Origin
from casemate.model.principals import InstanceSource, Principal
from casemate.policy.context import key_info
from casemate.policy.document import Policy
from casemate.servicekit.ports import IdentityPolicies, Membership
from casemate.servicekit.service import Check

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ISSUED = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
CALLERS: Mapping[str, Principal] = {
    **PRINCIPALS,
    "user-session": user(token_issued=ISSUED),
    "user-session-mfa": user(token_issued=ISSUED, mfa_age_seconds=90),
    "user-tagged": user(tags={"team": "red", "Cost": "7"}),
    "role": role(token_issued=ISSUED),
    "role-tagged": role(token_issued=ISSUED, tags={"team": "red"}, source_identity="saanvi"),
    "function": role(
        token_issued=ISSUED, source_function_arn=f"arn:aws:lambda:us-east-2:{ACCOUNT}:function:f"
    ),
    "instance": role(
        token_issued=ISSUED,
        user_id="AROAORDERSORDERSORD01:i-0123456789abcdef0",
        source_instance=InstanceSource(
            arn=f"arn:aws:ec2:us-east-2:{ACCOUNT}:instance/i-0123456789abcdef0",
            vpc_id="vpc-1",
            private_ip="10.0.0.9",
            delivery="2.0",
        ),
    ),
}
ORIGINS: Mapping[str, Origin | None] = {
    "public": InternetOrigin(address=ip_address("203.0.113.9")),
    "public-ipv6": InternetOrigin(address=ip_address("2001:db8::9")),
    "endpoint": EndpointOrigin(
        vpc_id="vpc-1", endpoint_id="vpce-1", endpoint_account=ACCOUNT, address=ip_address("10.0.0.4")
    ),
    "inside": None,
}


class Nobody:
    """No policies at all: the tables are about keys."""

    def policies_of(self, _: Principal) -> IdentityPolicies:
        return IdentityPolicies(identity=(), boundary=None)

    def role_arn(self, account: str, name: str) -> str | None:
        raise AssertionError((account, name))

    def role_exists(self, role_arn: str) -> bool:
        raise AssertionError(role_arn)

    def endpoint_policy(self, _: str) -> Policy | None:
        return None


class Members:
    """An organization of some accounts."""

    def __init__(self, members: list[str]) -> None:
        self._members = members

    def membership(self, account: str) -> Membership | None:
        if account not in self._members:
            return None
        unit = "ou-1" if account == ACCOUNT else "ou-2"
        return Membership(
            organization_id="o-1", paths=(f"o-1/r-1/{unit}/",), is_management=False, scps=(), rcps=()
        )

    def account_exists(self, account: str) -> bool:
        return account in self._members


def gathered(given: dict[str, Any]) -> Mapping[str, str | tuple[str, ...]]:
    caller, origin = CALLERS[given["principal"]], ORIGINS[given.get("origin", "public")]
    region = given.get("region", "us-east-2")
    keys = request_keys(
        region=region,
        now=NOW,
        tls=given.get("tls", True),
        user_agent=given.get("user_agent", ""),
        referer=given.get("referer"),
    )
    if "through" in given:
        keys, origin = forwarded_keys(keys, given["through"], caller), forwarded_origin(origin)
    action = given.get("action", "dynamodb:GetItem")
    situation = Situation(service="", region=region, principal=caller, origin=origin, request=keys)
    sources = PolicySources(
        identities=Nobody(),
        organization=Members(given.get("members", [ACCOUNT, OTHER])),
        endpoints=Nobody(),
        services={},
        messages=SealedMessages(bytes(32)),
    )
    check = Check(action=action, resource=given.get("resource", TABLE))
    return Authorizer(sources).question(situation, check)[0].context


@pytest.mark.parametrize("case", cases("context.json"), ids=lambda case: case["name"])
def test_availability(case: dict[str, Any]) -> None:
    context = gathered(case["given"])
    has = context_of(case["expected"].get("has", {}))
    assert {key: context.get(key) for key in has} == has
    assert not context.keys() & set(case["expected"].get("absent", []))
    for key, value in context.items():
        info = key_info(key)
        assert info is not None, f"{key} is in no table"
        assert info.multi_valued is isinstance(value, tuple), key


@pytest.mark.parametrize("case", cases("key_types.json"), ids=lambda case: case["name"])
def test_type(case: dict[str, Any]) -> None:
    info = key_info(case["given"]["key"])
    assert info is not None
    assert info.type.value == case["expected"]["type"]
    assert info.multi_valued is case["expected"]["multi_valued"]
