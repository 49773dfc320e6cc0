"""What endpoints can be made to."""

from __future__ import annotations

from casemate.model.regions import availability_zones
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.endpoint_catalog import EndpointService, services
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.registry import Ctx, operation, operations

SERVICE_FILTERS = {
    "owner": "Owner",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "service-type": "ServiceType.ServiceType",
    "supported-ip-address-types": "SupportedIpAddressTypes",
}


def _output(service: EndpointService) -> Rendered:
    zones = availability_zones(service.region)
    private: Rendered = {}
    if service.private_dns_name:
        private = {
            "PrivateDnsName": service.private_dns_name,
            "PrivateDnsNames": [{"PrivateDnsName": service.private_dns_name}],
            "PrivateDnsNameVerificationState": "verified",
        }
    return {
        "ServiceName": service.name,
        "ServiceId": service.service_id,
        "ServiceType": [{"ServiceType": service.kind}],
        "ServiceRegion": service.region,
        "AvailabilityZones": [zone.name for zone in zones],
        "AvailabilityZoneIds": [zone.zone_id for zone in zones],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [service.base_name],
        **private,
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }


@operation("DescribeVpcEndpointServices")
def describe_vpc_endpoint_services(ctx: Ctx, params: Params) -> Output:
    offered = list(services(ctx.region))
    names = params.get("ServiceNames")
    if names:
        known = {each.name for each in offered}
        for name in names:
            if name not in known:
                raise errors.service_name(name)
        offered = [each for each in offered if each.name in names]
    page = paged(
        filtered(map(_output, offered), params, SERVICE_FILTERS), params, "ServiceDetails", smallest=1
    )
    page["ServiceNames"] = list(dict.fromkeys(each["ServiceName"] for each in page["ServiceDetails"]))
    return page


operations.refuse(
    "AcceptVpcEndpointConnections",
    "CreateVpcEndpointConnectionNotification",
    "CreateVpcEndpointServiceConfiguration",
    "DeleteVpcEndpointConnectionNotifications",
    "DeleteVpcEndpointServiceConfigurations",
    "DescribeVpcEndpointConnectionNotifications",
    "DescribeVpcEndpointConnections",
    "DescribeVpcEndpointServiceConfigurations",
    "DescribeVpcEndpointServicePermissions",
    "ModifyVpcEndpointConnectionNotification",
    "ModifyVpcEndpointServiceConfiguration",
    "ModifyVpcEndpointServicePermissions",
    "RejectVpcEndpointConnections",
    "StartVpcEndpointServicePrivateDnsVerification",
    because="endpoint services of one's own stand on a Network Load Balancer or a Gateway Load Balancer, and Casemate "
    "has neither",
)
