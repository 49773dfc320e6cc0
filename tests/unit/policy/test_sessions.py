"""Session policies and the services RCPs bind."""

from __future__ import annotations

from tests.support.policy import FULL, document, role

from casemate.policy.rcp_services import rcps_bind
from casemate.policy.sessions import session_policies


def test_session_policies_are_parsed_once() -> None:
    text = document(FULL)
    first, second = (
        session_policies(role(session_policies=(text,))),
        session_policies(role(session_policies=(text,))),
    )
    assert first[0] is second[0]
    assert first[0].statements[0].actions == ("*",)
    assert session_policies(role()) == ()


def test_rcps_bind_tables_and_roles_but_not_functions_and_topics() -> None:
    assert rcps_bind("dynamodb:GetItem")
    assert rcps_bind("STS:AssumeRole")
    assert not rcps_bind("lambda:InvokeFunction")
    assert not rcps_bind("sns:Publish")
