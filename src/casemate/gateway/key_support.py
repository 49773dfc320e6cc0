"""Which actions fill the global condition keys that not all of them fill, as data.

Source: IAM User Guide, "AWS global condition context keys", the lists under the keys themselves, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SOURCE_VPC_ARN: Final = _names(
    """acm-pca applicationinsights apprunner athena cloudformation comprehendmedical compute-optimizer datasync
    discovery ebs ecr ecs firehose healthlake iam iotfleetwise iotwireless kinesisanalytics kms lambda
    medical-imaging omics payment-cryptography polly rbin rekognition route53 s3 scheduler servicediscovery
    servicequotas ssm-contacts storagegateway textract transcribe transfer"""
)
_VPCE_ACCOUNT: Final = _SOURCE_VPC_ARN | {"dynamodb", "gamelift", "shield"}
_VPCE_ORG_ID: Final = _VPCE_ACCOUNT | _names(
    """b2bi cassandra cognito-identity dms ds-data identitystore iottwinmaker network-firewall pricing ses sms-voice
    sqs workmail"""
)

_BY_KEY: Final[Mapping[str, frozenset[str]]] = {
    "aws:SourceVpcArn": _SOURCE_VPC_ARN,
    "aws:VpceAccount": _VPCE_ACCOUNT,
    "aws:VpceOrgID": _VPCE_ORG_ID,
    "aws:VpceOrgPaths": _VPCE_ACCOUNT,
}
"""IAM prefixes of the services that fill a key of the endpoint; the keys that are not here are filled by all."""

_WITHOUT_RESOURCE_OWNER: Final = frozenset(
    {
        "auditmanager:UpdateAssessmentFrameworkShare",
        "detective:AcceptInvitation",
        "ds:AcceptSharedDirectory",
        "ec2:AcceptTransitGatewayPeeringAttachment",
        "ec2:AcceptVpcEndpointConnections",
        "ec2:AcceptVpcPeeringConnection",
        "ec2:CreateTransitGatewayPeeringAttachment",
        "ec2:CreateVpcEndpoint",
        "ec2:CreateVpcPeeringConnection",
        "es:AcceptInboundConnection",
        "guardduty:AcceptAdministratorInvitation",
        "macie2:AcceptInvitation",
        "route53:AssociateVpcWithHostedZone",
        "route53:CreateVPCAssociationAuthorization",
        "securityhub:AcceptAdministratorInvitation",
    }
)


def fills(key: str, action: str) -> bool:
    """Whether a request for `action` through an endpoint has `key`: "except for the iam:PassRole action"."""
    return action != "iam:PassRole" and action.partition(":")[0] in _BY_KEY[key]


def names_resource_owner(action: str) -> bool:
    """Whether a request for `action` has aws:ResourceAccount and, of members, aws:ResourceOrgID and -OrgPaths."""
    return action not in _WITHOUT_RESOURCE_OWNER and not action.startswith("ebs:")
