"""The global condition keys as data, and those that the caller alone determines.

Source: IAM User Guide, "AWS global condition context keys". Keys of the network, the resource and the services are put
together by the gateway and the services; the engine takes whatever keys it is given.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.variables import ContextValue


class KeyType(Enum):
    """The families of operators a key is made for."""

    STRING = "String"
    ARN = "ARN"
    BOOL = "Bool"
    DATE = "Date"
    IP = "IPAddress"
    NUMERIC = "Numeric"


class KeyInfo(Struct, frozen=True, kw_only=True):
    """What is known of a condition key."""

    type: KeyType = KeyType.STRING
    multi_valued: bool = False
    """True: a list, to be tested with a set operator."""


_STRING = KeyInfo()
_STRINGS = KeyInfo(multi_valued=True)
_ARN = KeyInfo(type=KeyType.ARN)
_BOOL = KeyInfo(type=KeyType.BOOL)
_DATE = KeyInfo(type=KeyType.DATE)
_IP = KeyInfo(type=KeyType.IP)

GLOBAL_KEYS = {
    # Of the principal
    "aws:PrincipalArn": _ARN,
    "aws:PrincipalAccount": _STRING,
    "aws:PrincipalOrgID": _STRING,
    "aws:PrincipalOrgPaths": _STRINGS,
    "aws:PrincipalTag/": _STRING,
    "aws:PrincipalIsAWSService": _BOOL,
    "aws:PrincipalServiceName": _STRING,
    "aws:PrincipalServiceNamesList": _STRINGS,
    "aws:PrincipalType": _STRING,
    "aws:userid": _STRING,
    "aws:username": _STRING,
    # Of the session
    "aws:AssumedRoot": _BOOL,
    "aws:FederatedProvider": _STRING,
    "aws:TokenIssueTime": _DATE,
    "aws:SignInSessionArn": _ARN,
    "aws:MultiFactorAuthAge": KeyInfo(type=KeyType.NUMERIC),
    "aws:MultiFactorAuthPresent": _BOOL,
    "aws:ChatbotSourceArn": _ARN,
    "aws:Ec2InstanceSourceVpc": _STRING,
    "aws:Ec2InstanceSourcePrivateIPv4": _IP,
    "aws:SourceIdentity": _STRING,
    "ec2:RoleDelivery": KeyInfo(type=KeyType.NUMERIC),
    "ec2:SourceInstanceArn": _ARN,
    "glue:RoleAssumedBy": _STRING,
    "glue:CredentialIssuingService": _STRING,
    "codebuild:BuildArn": _ARN,
    "codebuild:ProjectArn": _ARN,
    "lambda:SourceFunctionArn": _ARN,
    "ssm:SourceInstanceArn": _ARN,
    "identitystore:UserId": _STRING,
    # Of the network
    "aws:SourceIp": _IP,
    "aws:SourceVpc": _STRING,
    "aws:SourceVpcArn": _ARN,
    "aws:SourceVpce": _STRING,
    "aws:VpceAccount": _STRING,
    "aws:VpceOrgID": _STRING,
    "aws:VpceOrgPaths": _STRINGS,
    "aws:VpcSourceIp": _IP,
    # Of the resource
    "aws:ResourceAccount": _STRING,
    "aws:ResourceOrgID": _STRING,
    "aws:ResourceOrgPaths": _STRINGS,
    "aws:ResourceTag/": _STRING,
    # Of the request
    "aws:CalledVia": _STRINGS,
    "aws:CalledViaFirst": _STRING,
    "aws:CalledViaLast": _STRING,
    "aws:CalledViaAWSMCP": _STRING,
    "aws:ViaAWSService": _BOOL,
    "aws:ViaAWSMCPService": _BOOL,
    "aws:IsMcpServiceAction": _BOOL,
    "aws:CurrentTime": _DATE,
    "aws:EpochTime": _DATE,
    "aws:referer": _STRING,
    "aws:RequestedRegion": _STRING,
    "aws:RequestTag/": _STRING,
    "aws:TagKeys": _STRINGS,
    "aws:SecureTransport": _BOOL,
    "aws:SourceAccount": _STRING,
    "aws:SourceArn": _ARN,
    "aws:SourceOrgID": _STRING,
    "aws:SourceOrgPaths": _STRINGS,
    "aws:UserAgent": _STRING,
}
"""By name; a name that ends in `/` is followed by a tag's key."""

_BY_LOWER_NAME = {name.lower(): info for name, info in GLOBAL_KEYS.items()}


def key_info(key: str) -> KeyInfo | None:
    """What is known of a key, in whatever case; None for keys of services and unknown ones."""
    name = key.lower()
    prefix, slash, _ = name.partition("/")
    return _BY_LOWER_NAME.get(prefix + slash if slash else name)


def principal_context(principal: Principal) -> dict[str, ContextValue]:
    """The keys that the caller alone determines; absent ones are left out as AWS leaves them out.

    `aws:username` is there for IAM users only, `aws:MultiFactorAuthPresent` for the temporary credentials of users and
    roles only ("not present for federated identities"), and an anonymous caller has nearly none.
    """
    kind = principal.kind
    if kind is PrincipalKind.ANONYMOUS:
        return {
            "aws:PrincipalAccount": "anonymous",
            "aws:PrincipalType": kind.value,
            "aws:userid": "anonymous",
        }
    if kind is PrincipalKind.SERVICE:
        return {
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": principal.arn,
            "aws:PrincipalServiceNamesList": (principal.arn,),
        }
    keys: dict[str, ContextValue] = {
        "aws:PrincipalArn": principal.identity_arn,
        "aws:PrincipalAccount": principal.account,
        "aws:PrincipalType": kind.value,
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": principal.user_id,
    }
    if principal.user_name is not None:
        keys["aws:username"] = principal.user_name
    if principal.source_identity is not None:
        keys["aws:SourceIdentity"] = principal.source_identity
    if principal.source_function_arn is not None:
        keys["lambda:SourceFunctionArn"] = principal.source_function_arn
    if principal.source_instance is not None:
        source = principal.source_instance
        keys["ec2:SourceInstanceArn"] = source.arn
        keys["ec2:RoleDelivery"] = source.delivery
        keys["aws:Ec2InstanceSourceVpc"] = source.vpc_id
        keys["aws:Ec2InstanceSourcePrivateIPv4"] = source.private_ip
    if principal.token_issued is not None:
        keys["aws:TokenIssueTime"] = principal.token_issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    if principal.mfa_age_seconds is not None:
        keys["aws:MultiFactorAuthAge"] = str(principal.mfa_age_seconds)
        keys["aws:MultiFactorAuthPresent"] = "true"
    elif kind is PrincipalKind.ROLE_SESSION or (
        principal.token_issued is not None and kind is not PrincipalKind.FEDERATED_USER
    ):
        keys["aws:MultiFactorAuthPresent"] = "false"
    keys.update({f"aws:PrincipalTag/{key}": value for key, value in principal.tags.items()})
    return keys
