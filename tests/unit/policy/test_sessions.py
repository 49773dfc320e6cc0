"""Session policies and the services RCPs bind."""

from __future__ import annotations

from tests.support.policy import FULL, document, role

from casemate.policy.rcp_services import rcp_services, rcps_bind
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


AWSS_LIST = """
    aoss appconfig appstream autoscaling autoscaling-plans budgets clouddirectory cloudfront cloudsearch cloudtrail-data
    codeartifact codebuild codecommit codepipeline cognito-identity cognito-idp comprehend comprehendmedical
    compute-optimizer cost-optimization-hub dax dsql dynamodb ecr ecr-public events firehose fis fms gamelift health
    inspector-scan kendra kinesisvideo kms logs memorydb networkmonitor notifications opensearch pca-connector-ad personalize
    polly pricing resource-groups rolesanywhere s3 secretsmanager servicediscovery signin sqs sts support swf textract
    timestream-influxdb transcribe transfer translate wafv2 workspaces xray
"""
"""Organizations User Guide, "List of AWS services that support RCPs", as of 26 September 2026."""


def test_the_services_that_rcps_bind_are_those_of_awss_list() -> None:
    assert rcp_services() == frozenset(AWSS_LIST.split())
