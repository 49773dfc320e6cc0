"""The global condition keys of a request, each with its rule of presence.

Source: IAM User Guide, "AWS global condition context keys"; the presence rules are repeated beside each key.
"""

from __future__ import annotations

from datetime import datetime

from casemate.model.origin import EndpointOrigin, Origin
from casemate.model.principals import Principal
from casemate.policy.context import principal_context
from casemate.servicekit.ports import Membership, Organization

Values = dict[str, str | tuple[str, ...]]

_VPCE_OWNER_SERVICES = frozenset(
    {"dynamodb", "s3", "kms", "lambda", "secretsmanager", "ssm", "sts", "logs", "sqs", "sns"}
)
"""Services that fill aws:VpceAccount, aws:VpceOrgID and aws:VpceOrgPaths (list of the page, the modelled ones)."""
_SOURCE_VPC_ARN_SERVICES = frozenset({"s3", "kms", "lambda"})
"""Services that fill aws:SourceVpcArn; not DynamoDB."""


def request_keys(*, region: str, now: datetime, tls: bool, user_agent: str) -> Values:
    """Keys of the request itself: always present."""
    keys: Values = {
        "aws:CurrentTime": f"{now.isoformat()[:19]}Z",
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SecureTransport": "true" if tls else "false",
        "aws:RequestedRegion": region,
        "aws:ViaAWSService": "false",
    }
    if user_agent:
        keys["aws:UserAgent"] = user_agent
    return keys


def forwarded_keys(keys: Values, through: str) -> Values:
    """The keys of a request that the service principal `through` forwards on behalf of its caller.

    Source: IAM User Guide, "Forward access sessions". The keys of the path are not among them: "aws:SourceVpc [...] is
    not kept", and the address would be the service's own.
    """
    return {
        **keys,
        "aws:ViaAWSService": "true",
        "aws:CalledVia": (through,),
        "aws:CalledViaFirst": through,
        "aws:CalledViaLast": through,
    }


def network_keys(origin: Origin, *, service: str, region: str, organization: Organization) -> Values:
    """Keys of the path: aws:SourceIp exactly when no endpoint was passed, the endpoint's keys exactly when one was."""
    if not isinstance(origin, EndpointOrigin):
        return {"aws:SourceIp": str(origin.address)}
    keys: Values = {
        "aws:SourceVpc": origin.vpc_id,
        "aws:SourceVpce": origin.endpoint_id,
        "aws:VpcSourceIp": str(origin.address),
    }
    if service in _SOURCE_VPC_ARN_SERVICES:
        keys["aws:SourceVpcArn"] = f"arn:aws:ec2:{region}:{origin.endpoint_account}:vpc/{origin.vpc_id}"
    if service in _VPCE_OWNER_SERVICES:
        keys["aws:VpceAccount"] = origin.endpoint_account
        membership = organization.membership(origin.endpoint_account)
        if membership is not None:
            keys["aws:VpceOrgID"] = membership.organization_id
            keys["aws:VpceOrgPaths"] = membership.paths
    return keys


def principal_keys(principal: Principal, membership: Membership | None) -> Values:
    """Keys of the caller, and of its organization."""
    keys: Values = principal_context(principal)
    if membership is not None:
        keys["aws:PrincipalOrgID"] = membership.organization_id
        keys["aws:PrincipalOrgPaths"] = membership.paths
    return keys


def resource_keys(account: str, membership: Membership | None) -> Values:
    """Keys of the resource's owner."""
    keys: Values = {"aws:ResourceAccount": account}
    if membership is not None:
        keys["aws:ResourceOrgID"] = membership.organization_id
        keys["aws:ResourceOrgPaths"] = membership.paths
    return keys
