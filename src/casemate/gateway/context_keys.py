"""The global condition keys of a request, each with its rule of presence.

Source: IAM User Guide, "AWS global condition context keys"; the presence rules are repeated beside each key.
"""

from __future__ import annotations

from datetime import datetime

from casemate.gateway.key_support import fills, names_resource_owner
from casemate.model.origin import EndpointOrigin, Origin
from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.context import principal_context
from casemate.servicekit.ports import Membership, Organization

Values = dict[str, str | tuple[str, ...]]


def request_keys(
    *, region: str, now: datetime, tls: bool, user_agent: str = "", referer: str | None = None
) -> Values:
    """Keys of the request itself: always present, but for what only its headers could say."""
    keys: Values = {
        "aws:CurrentTime": f"{now.isoformat()[:19]}Z",
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SecureTransport": "true" if tls else "false",
        "aws:RequestedRegion": region,
        "aws:ViaAWSService": "false",
    }
    if user_agent:
        keys["aws:UserAgent"] = user_agent
    if referer is not None:
        keys["aws:referer"] = referer
    return keys


def forwarded_origin(origin: Origin | None) -> Origin | None:
    """The origin of a request that a service forwards on behalf of its caller (a forward access session).

    Source: IAM User Guide, "Forward access sessions": the keys of an endpoint "are not used in FAS requests", and of
    what came to a public endpoint "subsequent FAS requests will be made with the same aws:SourceIP".
    """
    return None if isinstance(origin, EndpointOrigin) else origin


def forwarded_keys(keys: Values, through: str, principal: Principal) -> Values:
    """The keys of a request that the service principal `through` forwards on behalf of `principal`.

    Source: IAM User Guide, "Forward access sessions". For an IAM user's long-term key, "AWS uses temporary credentials"
    in the subsequent request, and aws:MultiFactorAuthPresent is there and "false"; what a session says goes over it.
    """
    temporary: Values = {}
    if principal.kind is PrincipalKind.USER:
        temporary["aws:MultiFactorAuthPresent"] = "false"
    return {
        **keys,
        **temporary,
        "aws:ViaAWSService": "true",
        "aws:CalledVia": (through,),
        "aws:CalledViaFirst": through,
        "aws:CalledViaLast": through,
    }


def network_keys(origin: Origin, *, action: str, region: str, organization: Organization) -> Values:
    """Keys of the path: aws:SourceIp exactly when no endpoint was passed, the endpoint's keys exactly when one was."""
    if not isinstance(origin, EndpointOrigin):
        return {"aws:SourceIp": str(origin.address)}
    keys: Values = {
        "aws:SourceVpc": origin.vpc_id,
        "aws:SourceVpce": origin.endpoint_id,
        "aws:VpcSourceIp": str(origin.address),
    }
    if fills("aws:SourceVpcArn", action):
        keys["aws:SourceVpcArn"] = f"arn:aws:ec2:{region}:{origin.endpoint_account}:vpc/{origin.vpc_id}"
    if fills("aws:VpceAccount", action):
        keys["aws:VpceAccount"] = origin.endpoint_account
    if fills("aws:VpceOrgID", action):
        membership = organization.membership(origin.endpoint_account)
        if membership is not None:
            keys["aws:VpceOrgID"] = membership.organization_id
            if fills("aws:VpceOrgPaths", action):
                keys["aws:VpceOrgPaths"] = membership.paths
    return keys


def principal_keys(principal: Principal, membership: Membership | None) -> Values:
    """Keys of the caller, and of its organization."""
    keys: Values = principal_context(principal)
    if membership is not None:
        keys["aws:PrincipalOrgID"] = membership.organization_id
        keys["aws:PrincipalOrgPaths"] = membership.paths
    return keys


def resource_keys(action: str, account: str, membership: Membership | None) -> Values:
    """Keys of the resource's owner; a few actions have none of them."""
    if not names_resource_owner(action):
        return {}
    keys: Values = {"aws:ResourceAccount": account}
    if membership is not None:
        keys["aws:ResourceOrgID"] = membership.organization_id
        keys["aws:ResourceOrgPaths"] = membership.paths
    return keys
