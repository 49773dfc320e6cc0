"""A function's place in a VPC: its Hyperplane interfaces, and the permissions that AWS wants to see for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.servicekit.service import Check, Context
from casemate.services.lambda_ import errors
from casemate.services.lambda_.state import LambdaState, Network

# Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC", required IAM permissions. The
# documented six of the execution role; the first is the one AWS's message names.
ROLE_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
CALLER_ACTIONS = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
_SUBNETS, _GROUPS = 16, 5


def is_empty(config: Mapping[str, Any]) -> bool:
    """Whether a VpcConfig says: outside any VPC."""
    subnets: list[str] = config.get("SubnetIds") or []
    groups: list[str] = config.get("SecurityGroupIds") or []
    if bool(subnets) != bool(groups):
        # Observed: aws/aws-sdk-js#1293 on GitHub.
        raise errors.invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
    if len(subnets) > _SUBNETS:
        raise errors.constraint(
            subnets, "vpcConfig.subnetIds", f"have length less than or equal to {_SUBNETS}"
        )
    if len(groups) > _GROUPS:
        raise errors.constraint(
            groups, "vpcConfig.securityGroupIds", f"have length less than or equal to {_GROUPS}"
        )
    if not subnets and config.get("Ipv6AllowedForDualStack"):
        # Words as reported in aws-cloudformation/cloudformation-coverage-roadmap issue 2061.
        raise errors.invalid(
            "Ipv6AllowedForDualStack cannot be true without subnet or security groups. Please remove "
            "Ipv6AllowedForDualStack value from your request and try again."
        )
    return not subnets


def place(
    ctx: Context[LambdaState], config: Mapping[str, Any], *, function_arn: str, role: Principal
) -> Network | None:
    """Check permissions, then take an interface in each subnet."""
    if is_empty(config):
        return None
    _check_permissions(ctx, role)
    return attach(
        ctx.state,
        Network(
            vpc_id=_common_vpc(ctx, config["SubnetIds"]),
            subnet_ids=tuple(dict.fromkeys(config["SubnetIds"])),
            group_ids=tuple(dict.fromkeys(config["SecurityGroupIds"])),
            interface_ids=(),
            ipv6=bool(config.get("Ipv6AllowedForDualStack", False)),
        ),
        account=ctx.account,
        region=ctx.region,
        function_arn=function_arn,
    )


def attach(state: LambdaState, network: Network, *, account: str, region: str, function_arn: str) -> Network:
    """The same place, with interfaces that `function_arn` uses."""
    taken: list[str] = []
    for subnet_id in network.subnet_ids:
        try:
            interface = state.interfaces.acquire(
                account=account,
                region=region,
                subnet_id=subnet_id,
                group_ids=network.group_ids,
                function_arn=function_arn,
                ipv6=network.ipv6,
            )
        except AwsError as error:
            raise _from_ec2(error) from error
        if interface.vpc_id != network.vpc_id:
            raise errors.invalid("Security Groups are required to be in the same VPC.")
        taken.append(interface.interface_id)
    return Network(
        vpc_id=network.vpc_id,
        subnet_ids=network.subnet_ids,
        group_ids=network.group_ids,
        interface_ids=tuple(taken),
        ipv6=network.ipv6,
    )


def release(
    state: LambdaState, network: Network | None, *, function_arn: str, keep: Network | None = None
) -> None:
    """Let go of the interfaces, except those that the new place uses too."""
    kept: Iterable[str] = () if keep is None else keep.interface_ids
    for interface_id in () if network is None else network.interface_ids:
        if interface_id not in kept:
            state.interfaces.release(interface_id=interface_id, function_arn=function_arn)


def _check_permissions(ctx: Context[LambdaState], role: Principal) -> None:
    for action in CALLER_ACTIONS:
        try:
            ctx.authorize(Check(action=action))
        except AwsError as error:
            name = action.removeprefix("ec2:")
            raise errors.invalid(
                "Your access has been denied by EC2, please make sure your request credentials have permission to "
                f"{name}. EC2 Error Code: UnauthorizedOperation. EC2 Error Message: {error.message}"
            ) from error
    for action in ROLE_ACTIONS:
        try:
            ctx.authorize(Check(action=action), principal=role)
        except AwsError as error:
            # Observed: aws/aws-sam-cli#617 on GitHub.
            name = action.removeprefix("ec2:")
            raise errors.invalid(
                f"The provided execution role does not have permissions to call {name} on EC2"
            ) from error


def _common_vpc(ctx: Context[LambdaState], subnet_ids: Iterable[str]) -> str:
    vpcs: set[str] = set()
    for subnet_id in subnet_ids:
        try:
            vpcs.add(ctx.state.interfaces.vpc_of(account=ctx.account, region=ctx.region, subnet_id=subnet_id))
        except AwsError as error:
            raise _from_ec2(error) from error
    if len(vpcs) != 1:
        raise errors.invalid("Subnets are required to be in the same VPC.")
    return vpcs.pop()


def _from_ec2(error: AwsError) -> AwsError:
    """What Lambda says when EC2 refuses."""
    if error.code == "UnsupportedTenancy":
        return errors.invalid(error.message)
    call = {
        "InvalidSubnetID.NotFound": "DescribeSubnets",
        "InvalidGroup.NotFound": "DescribeSecurityGroups",
        "InvalidSecurityGroupID.NotFound": "DescribeSecurityGroups",
    }.get(error.code, "CreateNetworkInterface")
    return errors.invalid(
        f"Error occurred while {call}. EC2 Error Code: {error.code}. EC2 Error Message: {error.message}"
    )
