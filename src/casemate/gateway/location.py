"""locate: arrival + network -> origin. What `aws:SourceVpc`, `aws:SourceVpce` and `aws:SourceIp` will say."""

from __future__ import annotations

from casemate.gateway.arrival import Arrival, Side
from casemate.model.errors import AwsError
from casemate.model.network import Address, EndpointKind, NetworkSnapshot, VpcEndpoint, VpcSnapshot
from casemate.model.origin import EndpointOrigin, InternetOrigin, Origin
from casemate.wire.sigv4_errors import Refusal, signature_error


def locate(
    arrival: Arrival, snapshot: NetworkSnapshot, service: str, *, region: str, family: str = "json"
) -> Origin:
    """Where a request comes from; `service` is botocore's name of the service it is for, `region` of its scope.

    A request through an endpoint that serves another service or another Region than the one it is signed for is
    refused, as AWS's endpoints answer for their own service in their own Region only. `family` chooses the words.
    """
    if arrival.side is not Side.VPC:
        return InternetOrigin(address=arrival.peer)
    vpc = snapshot.vpcs.get(arrival.vpc_id or "")
    endpoint = vpc and endpoint_of(vpc, snapshot, arrival.peer, arrival.destination)
    if vpc is None or endpoint is None:
        # The kernel let a packet through on a route that has just gone: the connection outlived its endpoint.
        raise AwsError(
            "RequestTimeout", "The VPC endpoint of this connection no longer exists", http_status=408
        )
    if not _serves(endpoint, service):
        raise AwsError(
            "UnknownOperationException",
            f"Endpoint {endpoint.endpoint_id} serves {endpoint.service_name}, not {service}",
            http_status=404,
        )
    if endpoint.service_region != region:
        raise scoped_elsewhere(family, region)
    return EndpointOrigin(
        vpc_id=vpc.vpc_id,
        endpoint_id=endpoint.endpoint_id,
        endpoint_account=endpoint.account,
        address=arrival.peer,
        is_gateway=endpoint.kind is EndpointKind.GATEWAY,
    )


def scoped_elsewhere(family: str, region: str) -> AwsError:
    """A signature for another Region than the one that was reached.

    Text: IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API requests", credential scope.
    """
    detail = f"Credential should be scoped to a valid Region, not '{region}'."
    return signature_error(family, Refusal.MISMATCH, detail)


def endpoint_of(
    vpc: VpcSnapshot, snapshot: NetworkSnapshot, source: Address, destination: Address
) -> VpcEndpoint | None:
    """The endpoint that carried a packet: by destination for interface endpoints, by the route table of the source's
    subnet for gateway endpoints.
    """
    subnet = next((s for s in vpc.subnets.values() if source in s.cidr), None)
    for endpoint in vpc.endpoints.values():
        if endpoint.kind is EndpointKind.INTERFACE:
            interfaces = (vpc.interfaces.get(interface_id) for interface_id in endpoint.interface_ids)
            if any(interface is not None and interface.address == destination for interface in interfaces):
                return endpoint
        elif subnet is not None and subnet.route_table_id in endpoint.route_table_ids:
            prefix_list = snapshot.prefix_lists.get(endpoint.prefix_list_id or "")
            if prefix_list is not None and any(destination in cidr for cidr in prefix_list.cidrs):
                return endpoint
    return None


def _serves(endpoint: VpcEndpoint, service: str) -> bool:
    """True when the endpoint's service name covers botocore's service name."""
    return _ENDPOINT_SERVICES.get(service, service) == endpoint.service


_ENDPOINT_SERVICES = {
    "dynamodbstreams": "dynamodb-streams",
    "events": "events",
    "cloudwatch": "monitoring",
    "s3control": "s3",
}
"""botocore's service name -> the last part of the endpoint's service name, where they differ."""
