"""Virtual private gateways: none can be made here, so that there are none. The CDK's VPC look-up asks."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.registry import Ctx, operation


@operation("DescribeVpnGateways")
def describe_vpn_gateways(_: Ctx, params: Params) -> Output:
    ids = params.get("VpnGatewayIds")
    if ids:
        raise errors.vpn_gateway_missing(ids[0])
    return {"VpnGateways": []}
