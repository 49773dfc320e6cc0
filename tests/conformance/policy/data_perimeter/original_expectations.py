"""What each statement of AWS's data-perimeter examples is to do, as the READMEs beside them say it: facts, no policies.

An expectation is a file, the Sid of a statement in it, and requests in words. `lets` are allowed by the whole policy,
`stops` are refused by it; of a statement that denies, a stopped request must pass once that statement is taken away, and
of one that allows, a request that is let through must fail without it: so each request shows what that statement does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Keys = Mapping[str, str | tuple[str, ...]]

SECOND_VPC, SECOND_REGION = "vpc-05ec0d05ec0d05ec0", "eu-west-1"
"""Of the organization too."""
ORG, STRANGERS = "o-a1b2c3d4e5", "o-zzzzzzzzzz"
VPC, OTHER_VPC = "vpc-0a1b2c3d4e5f60718", "vpc-0fedcba9876543210"
OWN, THIRD_PARTY, STRANGER = "000000000000", "777777777777", "999999999999"
SERVICE_ACCOUNT = "666666666666"
PARTNER = "arn:aws:s3:::partner/object"
ELSEWHERE: Keys = {"aws:SourceIp": "198.51.100.9"}


def _endpoint(vpc: str, organization: str, account: str) -> Keys:
    return {"aws:SourceVpc": vpc, "aws:VpceOrgID": organization, "aws:VpceAccount": account}


SITUATIONS: Mapping[str, Keys] = {
    "from an expected VPC": _endpoint(VPC, ORG, OWN),
    "from a stranger's VPC": _endpoint(OTHER_VPC, STRANGERS, STRANGER),
    "from a third party's VPC": _endpoint(OTHER_VPC, STRANGERS, THIRD_PARTY),
    "from the corporate network": {"aws:SourceIp": "203.0.113.9"},
    "from elsewhere": ELSEWHERE,
    "through an AWS service": {"aws:ViaAWSService": "true"},
    "by the EC2 infrastructure": {
        **ELSEWHERE,
        "aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/aws:ec2-infrastructure",
    },
    "by an excluded principal": {**ELSEWHERE, "aws:PrincipalTag/dp:exclude:network": "true"},
    "by a principal that is not included": {**ELSEWHERE, "aws:PrincipalTag/dp:include:network": "false"},
    "on an excluded resource": {**ELSEWHERE, "aws:ResourceTag/dp:exclude:network": "true"},
    "by a service of AWS": {**ELSEWHERE, "aws:PrincipalIsAWSService": "true"},
    "by a third party": {**ELSEWHERE, "aws:PrincipalAccount": THIRD_PARTY},
}
"""The requests of the network perimeter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """One statement."""

    file: str
    """Name of the file, without folder and suffix."""
    sid: str
    action: str
    lets: Mapping[str, Keys]
    stops: Mapping[str, Keys]
    given: Keys = field(default_factory=dict[str, str | tuple[str, ...]])
    """Keys that all its requests have."""
    resource: str = "arn:aws:s3:::ours/object"
    spared: tuple[str, ...] = ()
    """Actions that the statement leaves alone, whatever it stops otherwise."""


_INCLUDED: Keys = {
    "aws:PrincipalTag/dp:include:network": "true",
    "aws:ViaAWSService": "false",
    "aws:PrincipalIsAWSService": "false",
    "aws:RequestedRegion": "us-east-2",
}
_IN_THE_VPC = (
    "dax:GetItem",
    "neptune-db:ReadDataViaQuery",
    "rds-db:connect",
    "kafka-cluster:Connect",
    "es:ESHttpGet",
)


def _network(
    file: str,
    sid: str,
    action: str,
    *lets: str,
    stops: tuple[str, ...] = (),
    spared: tuple[str, ...] = (),
    given: Keys = _INCLUDED,
) -> Expectation:
    """A statement of the network perimeter: everything but `lets` is stopped."""
    stopped = ("from elsewhere", "from a stranger's VPC", *stops)
    return Expectation(
        file=file,
        sid=sid,
        action=action,
        given=given,
        lets={
            name: SITUATIONS[name] for name in ("from the corporate network", "through an AWS service", *lets)
        },
        stops={name: SITUATIONS[name] for name in stopped},
        spared=spared,
    )


def _tagged(
    file: str, sid: str, tag: str, action: str, given: Keys | None = None, **lets: Keys
) -> Expectation:
    """A statement that stops an action unless the principal has the tag that excludes it."""
    excluded: Keys = {f"aws:PrincipalTag/{tag}": "true"}
    named = {name.replace("_", " "): keys for name, keys in lets.items()}
    return Expectation(
        file=file,
        sid=sid,
        action=action,
        given=given or {},
        lets={"by an excluded principal": excluded, **named},
        stops={"by anybody else": {}, "by one whose tag says no": {f"aws:PrincipalTag/{tag}": "false"}},
    )


_EXCLUDED = "by an excluded principal"
_INFRASTRUCTURE = "by the EC2 infrastructure"
_NOT_INCLUDED = "by a principal that is not included"
_RCP_LETS = (_EXCLUDED, _INFRASTRUCTURE, _NOT_INCLUDED, "on an excluded resource", "by a service of AWS")
_EC2: Keys = {**_INCLUDED, "ec2:SourceInstanceARN": f"arn:aws:ec2:us-east-2:{OWN}:instance/i-1"}
_FUNCTION: Keys = {**_INCLUDED, "lambda:SourceFunctionArn": f"arn:aws:lambda:us-east-2:{OWN}:function:f"}
_GLUE: Keys = {**_INCLUDED, "glue:CredentialIssuingService": "glue.amazonaws.com"}
_USER: Keys = {**_INCLUDED, "aws:PrincipalArn": f"arn:aws:iam::{OWN}:user/ann"}
_VPC = "from an expected VPC"
_THIRD_VPC = "from a third party's VPC"

NETWORK = (
    _network("network_perimeter_sourcevpc_scp", "EnforceNetworkPerimeterSourceVPC", "s3:GetObject", _VPC, _EXCLUDED, _INFRASTRUCTURE, _NOT_INCLUDED, stops=(_THIRD_VPC,), spared=_IN_THE_VPC),
    _network("network_perimeter_vpceorgid_scp", "EnforceNetworkPerimeterVpceOrgID", "s3:GetObject", _VPC, _THIRD_VPC, _EXCLUDED, _INFRASTRUCTURE, _NOT_INCLUDED, spared=("dynamodb:GetItem",)),
    _network("network_perimeter_ec2_scp", "EnforceNetworkPerimeterOnEC2Roles", "s3:GetObject", _VPC, _EXCLUDED, _INFRASTRUCTURE, spared=_IN_THE_VPC, given=_EC2, stops=(_NOT_INCLUDED,)),
    _network("network_perimeter_lambda_scp", "EnforceNetworkPerimeterOnLambdaRoles", "s3:GetObject", _VPC, _EXCLUDED, spared=("logs:PutLogEvents", "xray:PutTraceSegments", "elasticfilesystem:ClientMount"), given=_FUNCTION, stops=(_NOT_INCLUDED,)),
    _network("network_perimeter_glue_scp", "EnforceNetworkPerimeterOnGlueRoles", "s3:GetObject", _VPC, _EXCLUDED, spared=("logs:PutLogEvents",), given=_GLUE),
    _network("network_perimeter_iam_users_scp", "EnforceNetworkPerimeterOnIAMUsers", "s3:GetObject", _VPC, spared=_IN_THE_VPC, given=_USER, stops=(_EXCLUDED, _NOT_INCLUDED)),
    _network("network_perimeter_rcp", "EnforceNetworkPerimeter", "s3:GetObject", _VPC, *_RCP_LETS, "by a third party", spared=("sts:GetCallerIdentity", "dynamodb:GetItem"), stops=(_THIRD_VPC,)),
    _network("network_perimeter_vpceorgid_rcp", "EnforceNetworkPerimeterVpceOrgID", "kms:Decrypt", _VPC, _THIRD_VPC, *_RCP_LETS, stops=("by a third party",)),
    _network("network_perimeter_sourcevpc_rcp", "EnforceNetworkPerimeterSourceVPC", "sqs:SendMessage", _VPC, *_RCP_LETS, "by a third party", spared=("s3:GetObject",)),
    *(
        Expectation(
            file=file,
            sid="SourceVPCRegion",
            action="ec2:DescribeVpcs",
            lets={"in the VPC's Region": {"aws:RequestedRegion": "us-east-2"}},
            stops={"in another Region": {"aws:RequestedRegion": "eu-west-1"}},
            given=SITUATIONS[_VPC],
        )
        for file in ("network_perimeter_sourcevpc_scp", "network_perimeter_ec2_scp")
    ),
    Expectation(
        file="network_perimeter_sourcevpc_scp",
        sid="SourceVPCRegion2",
        action="ec2:DescribeVpcs",
        lets={"in the second VPC's Region": {"aws:RequestedRegion": SECOND_REGION}},
        stops={"in another Region": {"aws:RequestedRegion": "us-east-2"}},
        given={"aws:SourceVpc": SECOND_VPC},
    ),
)  # fmt: skip

_FAR: Keys = {"aws:ResourceOrgID": STRANGERS, "aws:ResourceAccount": STRANGER}
_NO_RESOURCE_PERIMETER: Keys = {"aws:PrincipalTag/dp:exclude:resource": "true"}
RESOURCES = (
    Expectation(
        file="resource_perimeter_scp",
        sid="EnforceResourcePerimeterAWSResources",
        action="s3:GetObject",
        lets={"ours": {"aws:ResourceOrgID": ORG}, "an image of Amazon's": {"ec2:Owner": "amazon"}, "excluded": _NO_RESOURCE_PERIMETER},
        stops={"a stranger's": _FAR, "of an account without organization": {"aws:ResourceAccount": STRANGER}},
    ),
    Expectation(
        file="resource_perimeter_scp",
        sid="EnforceResourcePerimeterAWSResourcesS3",
        action="s3:GetObject",
        resource="arn:aws:s3:::sc-x1-us-east-2/template",
        given=_FAR,
        lets={"through Service Catalog": {"aws:CalledVia": ("servicecatalog.amazonaws.com",)}, "excluded": _NO_RESOURCE_PERIMETER},
        stops={"directly": {}, "through another service": {"aws:CalledVia": ("athena.amazonaws.com",)}},
    ),
    Expectation(
        file="resource_perimeter_scp",
        sid="EnforceResourcePerimeterThirdPartyResources",
        action="s3:GetObject",
        resource=PARTNER,
        lets={"the third party's": {"aws:ResourceAccount": THIRD_PARTY}, "excluded": _NO_RESOURCE_PERIMETER},
        stops={"somebody else's of that name": _FAR},
    ),
)  # fmt: skip

_OIDC = "token.idp.example"
IDENTITIES = (
    Expectation(
        file="identity_perimeter_rcp",
        sid="EnforceOrgIdentities",
        action="s3:GetObject",
        given={"aws:PrincipalIsAWSService": "false"},
        lets={
            "ours": {"aws:PrincipalOrgID": ORG, "aws:PrincipalAccount": OWN},
            "a service of AWS": {"aws:PrincipalIsAWSService": "true"},
            "a third party": {"aws:PrincipalOrgID": STRANGERS, "aws:PrincipalAccount": THIRD_PARTY},
            "on an excluded resource": {"aws:ResourceTag/dp:exclude:identity": "true"},
        },
        stops={
            "a stranger": {"aws:PrincipalOrgID": STRANGERS, "aws:PrincipalAccount": STRANGER},
            "an account without organization": {"aws:PrincipalAccount": STRANGER},
        },
        spared=("sts:GetCallerIdentity", "sts:TagSession"),
    ),
    Expectation(
        file="identity_perimeter_rcp",
        sid="EnforceTrustedOIDCTenants",
        action="sts:AssumeRoleWithWebIdentity",
        lets={"our tenant": {f"{_OIDC}:sub": "tenant"}},
        stops={"another tenant": {f"{_OIDC}:sub": "others"}},
    ),
    Expectation(
        file="identity_perimeter_rcp",
        sid="EnforceTrustedOIDCProviders",
        action="sts:AssumeRoleWithWebIdentity",
        lets={"the second provider": {"token.second.example:sub": "anybody"}},
        stops={"a provider that is not trusted": {"token.stranger.example:sub": "tenant"}},
    ),
    Expectation(
        file="identity_perimeter_rcp",
        sid="EnforceConfusedDeputyProtection",
        action="s3:PutObject",
        given={"aws:PrincipalIsAWSService": "true"},
        lets={
            "on our behalf": {"aws:SourceOrgID": ORG, "aws:SourceAccount": OWN},
            "on a third party's behalf": {"aws:SourceOrgID": STRANGERS, "aws:SourceAccount": THIRD_PARTY},
            "that names no source": {},
        },
        stops={
            "on a stranger's behalf": {"aws:SourceOrgID": STRANGERS, "aws:SourceAccount": STRANGER},
            "on behalf of an account without organization": {"aws:SourceAccount": STRANGER},
        },
    ),
)

_GOVERNANCE = "data_perimeter_governance_scp"
_TAGS: Keys = {"aws:TagKeys": ("owner", "dp:include:network")}
GOVERNANCE = (
    _tagged(_GOVERNANCE, "PreventRAMExternalResourceShare", "dp:exclude:identity", "ram:CreateResourceShare", {"ram:RequestedAllowsExternalPrincipals": "true"}, within_the_organization={"ram:RequestedAllowsExternalPrincipals": "false"}),
    _tagged(_GOVERNANCE, "PreventExternalResourceShare", "dp:exclude:identity", "ec2:ModifySnapshotAttribute"),
    _tagged(_GOVERNANCE, "PreventExternalResourceShareKMS", "dp:exclude:identity", "kms:CreateGrant", for_an_AWS_resource={"kms:GrantIsForAWSResource": "true"}, by_a_service={"aws:PrincipalIsAWSService": "true"}),
    _tagged(_GOVERNANCE, "ProtectActionsNotSupportedByPrimaryDPControls", "dp:exclude:resource", "ec2:CreateVpcPeeringConnection"),
    _tagged(_GOVERNANCE, "PreventLambdaFunctionURLAuthNone", "dp:exclude:identity", "lambda:CreateFunctionUrlConfig", {"lambda:FunctionUrlAuthType": "NONE"}, with_IAM={"lambda:FunctionUrlAuthType": "AWS_IAM"}),
    Expectation(file=_GOVERNANCE, sid="ProtectDataPerimeterTags", action="ec2:CreateTags", lets={"by the administrators": {**_TAGS, "aws:PrincipalTag/team": "admin"}, "other tags": {"aws:TagKeys": ("owner",)}}, stops={"by somebody": _TAGS, "the team": {"aws:TagKeys": ("team",)}}),
    Expectation(file="data_perimeter_governance_rcp", sid="ProtectDataPerimeterSessionTags", action="sts:TagSession", lets={"ours": {**_TAGS, "aws:PrincipalOrgID": ORG}, "by SAML": {**_TAGS, "SAML:aud": "https://signin.aws.amazon.com/saml"}, "other tags": {"aws:TagKeys": ("owner",)}}, stops={"by a third party": {**_TAGS, "aws:PrincipalOrgID": STRANGERS}}),
    _tagged("restrict_idp_configurations_scp", "PreventIdPTrustModifications", "dp:exclude:identity", "iam:CreateSAMLProvider"),
    _tagged("restrict_presignedURL_scp", "PreventCreationOfServicePresignedURL", "dp:exclude:network", "lambda:GetFunction"),
    _tagged("restrict_resource_policy_configurations_scp", "PreventResourcePolicyConfigurations", "dp:exclude:identity", "dynamodb:PutResourcePolicy"),
    _tagged("restrict_untrusted_endpoints_scp", "PreventUntrustedSNSEmailSubscriptions", "dp:exclude:resource", "sns:Subscribe", {"sns:Protocol": "email", "sns:Endpoint": "ann@stranger.example"}, to_a_trusted_domain={"sns:Endpoint": "ann@ours.example"}, by_another_protocol={"sns:Protocol": "https"}),
    _tagged("restrict_untrusted_resources_scp", "PreventUntrustedAPIGatewayAuthorizers", "dp:exclude:resource", "apigateway:POST", {"apigateway:Request/AuthorizerType": ("TOKEN",), "apigateway:Request/AuthorizerUri": ("arn:aws:apigateway:us-east-2:lambda:path/2015-03-31/functions/strange/invocations",)}, trusted={"apigateway:Request/AuthorizerUri": ("arn:aws:apigateway:us-east-2:lambda:path/2015-03-31/functions/trusted/invocations",)}),
    _tagged("restrict_untrusted_resources_scp", "PreventUntrustedAPIGatewayProviders", "dp:exclude:resource", "apigateway:PUT", {"apigateway:Request/AuthorizerType": ("COGNITO_USER_POOLS",)}, with_IAM={"apigateway:Request/AuthorizerType": ("AWS_IAM",)}),
    _tagged("restrict_untrusted_resources_scp", "PreventUntrustedImageBuildTopics", "dp:exclude:resource", "imagebuilder:CreateInfrastructureConfiguration", {"imagebuilder:StatusTopicArn": "strange"}, trusted={"imagebuilder:StatusTopicArn": "trusted"}),
    _tagged("restrict_untrusted_resources_scp", "PreventUntrustedRoute53VPCAssociations", "dp:exclude:resource", "route53:CreateVPCAssociationAuthorization", {"route53:VPCs": "VPCId=vpc-9,VPCRegion=us-east-2"}, trusted={"route53:VPCs": f"VPCId={VPC},VPCRegion=us-east-2"}),
)  # fmt: skip

_DEPLOYMENT = "restrict_nonvpc_deployment_scp"
_SUBNETS: Keys = {"sagemaker:VpcSubnets": ("subnet-1",)}
DEPLOYMENT = (
    _tagged(_DEPLOYMENT, "PreventDeploymentCodeStarConnections", "dp:exclude", "codestar-connections:UseConnection"),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentSageMaker", "dp:exclude", "sagemaker:CreateModel", in_a_VPC=_SUBNETS),
    _tagged(_DEPLOYMENT, "PreventNonVpcOnlySageMakerDomain", "dp:exclude", "sagemaker:UpdateDomain", _SUBNETS, VPC_only={"sagemaker:AppNetworkAccessType": "VpcOnly"}),
    _tagged(_DEPLOYMENT, "PreventDirectInternetAccessSageMakerNotebook", "dp:exclude", "sagemaker:CreateNotebookInstance", {**_SUBNETS, "sagemaker:DirectInternetAccess": "Enabled"}, disabled={"sagemaker:DirectInternetAccess": "Disabled"}),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentLambda", "dp:exclude", "lambda:CreateFunction", in_a_VPC={"lambda:VpcIds": VPC}),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentGlueJob", "dp:exclude", "glue:CreateJob", in_a_VPC={"glue:VpcIds": (VPC,)}),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentCloudShell", "dp:exclude", "cloudshell:CreateEnvironment", in_a_VPC={"cloudshell:VpcIds": (VPC,)}),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentAppRunner", "dp:exclude", "apprunner:CreateService", in_a_VPC={"apprunner:VpcConnectorArn": "arn"}),
    _tagged(_DEPLOYMENT, "PreventNonVPCDeploymentCodeBuild", "dp:exclude", "codebuild:CreateProject", in_a_VPC={"codebuild:vpcConfig": "vpc"}),
)  # fmt: skip

_OURS: Keys = {"aws:PrincipalOrgID": ORG, "aws:PrincipalAccount": OWN}
_STRANGE: Keys = {"aws:PrincipalOrgID": STRANGERS, "aws:PrincipalAccount": STRANGER}
_OUR_TABLE: Keys = {"aws:ResourceOrgID": ORG, "aws:ResourceAccount": OWN}
_TO_AWS = "AllowRequestsByOrgsIdentitiesToAWSResources"
_FIRST = "AllowRequestsByOrgsIdentitiesToOrgsResources"


def _endpoint_policy(
    name: str, *, tag: str = "dp:exclude:resource", first: str = _FIRST
) -> tuple[Expectation, ...]:
    """The three statements that every endpoint policy has."""
    file, tagged = f"{name}_endpoint_policy", {f"aws:PrincipalTag/{tag}": "true"}
    return (
        Expectation(
            file=file,
            sid=first,
            action="s3:PutObject",
            lets={"ours on ours": {**_OURS, **_OUR_TABLE}},
            stops={
                "ours on a stranger's": {**_OURS, **_FAR},
                "a stranger on ours": {**_STRANGE, **_OUR_TABLE},
            },
        ),
        Expectation(
            file=file,
            sid="AllowRequestsByAWSServicePrincipals",
            action="s3:PutObject",
            lets={"a service of AWS": {"aws:PrincipalIsAWSService": "true"}},
            stops={"nobody known": {"aws:PrincipalIsAWSService": "false"}},
        ),
        Expectation(
            file=file,
            sid="AllowRequestsByOrgsIdentitiesToAnyResources",
            action="s3:PutObject",
            lets={"ours, excluded": {**_OURS, **_FAR, **tagged}},
            stops={"a stranger with that tag": {**_STRANGE, **_FAR, **tagged}},
        ),
    )


def _to_aws(name: str, action: str, resource: str, keys: Keys | None = None) -> Expectation:
    """What AWS owns, for the organization's identities only."""
    owned: Keys = {"aws:ResourceAccount": SERVICE_ACCOUNT, **(keys or {})}
    return Expectation(
        file=f"{name}_endpoint_policy",
        sid=_TO_AWS,
        action=action,
        resource=resource,
        lets={"ours": {**_OURS, **owned}},
        stops={"a stranger": {**_STRANGE, **owned}},
    )


_BUCKET = "arn:aws:s3:::aws-ssm-us-east-2/agent"
ENDPOINTS = (
    *_endpoint_policy("default"),
    *_endpoint_policy("sts", first="AllowRequestsByOrgsIdentitiesToOrgsResourcesByAWSPrinciples"),
    *(each for name in ("lambda", "iam", "iot", "imagebuilder", "cloudformation") for each in _endpoint_policy(name)),
    *(each for name in ("ssm", "ec2", "ecr.api", "s3") for each in _endpoint_policy(name, tag="resource-perimeter-exception")),
    _to_aws("lambda", "lambda:GetLayerVersion", f"arn:aws:lambda:us-east-2:{SERVICE_ACCOUNT}:layer:l:1"),
    _to_aws("iam", "iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    _to_aws("iot", "iot:DescribeManagedJobTemplate", "arn:aws:iot:us-east-2::jobtemplate/t"),
    _to_aws("imagebuilder", "imagebuilder:GetComponent", "arn:aws:imagebuilder:us-east-2:aws:component/c/1"),
    _to_aws("cloudformation", "cloudformation:CreateChangeSet", "arn:aws:cloudformation:us-east-2:aws:transform/Include"),
    _to_aws("ssm", "ssm:GetParameter", "arn:aws:ssm:us-east-2::parameter/aws/service/ami"),
    _to_aws("ec2", "ec2:RunInstances", "arn:aws:ec2:us-east-2::image/ami-1", {"ec2:Owner": "amazon"}),
    _to_aws("ecr.api", "ecr:BatchGetImage", f"arn:aws:ecr:us-east-2:{SERVICE_ACCOUNT}:repository/r"),
    Expectation(file="s3_endpoint_policy", sid="AllowRequestsToAWSOwnedResources", action="s3:GetObject", resource=_BUCKET, lets={"by anybody": {}}, stops={}),
    Expectation(file="s3_endpoint_policy", sid="AllowRequestsByThirdPartyIdentitiesToThirdPartyResources", action="s3:GetObject", resource=PARTNER, lets={"theirs": {"aws:PrincipalAccount": THIRD_PARTY, "aws:ResourceAccount": THIRD_PARTY}}, stops={"a stranger": {"aws:PrincipalAccount": STRANGER, "aws:ResourceAccount": THIRD_PARTY}}),
    Expectation(file="s3_endpoint_policy", sid="AllowRequestsByOrgsIdentitiesToThirdPartyResources", action="s3:GetObject", resource=PARTNER, lets={"ours": {**_OURS, "aws:ResourceAccount": THIRD_PARTY}}, stops={"ours on a stranger's": {**_OURS, **_FAR}}),
)  # fmt: skip
"""`AllowRequestsToOrgRolesByFederatedPrincipals` of sts_endpoint_policy is not here: nobody here signs in by OIDC or SAML."""

EXPECTATIONS = (*NETWORK, *RESOURCES, *IDENTITIES, *GOVERNANCE, *DEPLOYMENT, *ENDPOINTS)
