"""The services that have VPC endpoints, and the DNS names of endpoints.

Source: AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink", and "Gateway endpoints".
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from msgspec import Struct

from casemate.services.ec2.records import VpcEndpoint
from casemate.services.ec2.state import Ec2State

_GATEWAY = ("dynamodb", "s3")

_PRIVATE_NAMES: dict[str, str] = {
    "athena": "athena",
    "cloudformation": "cloudformation",
    "cloudtrail": "cloudtrail",
    "dynamodb-streams": "streams.dynamodb",
    "ec2": "ec2",
    "ec2messages": "ec2messages",
    "ecr.api": "api.ecr",
    "ecr.dkr": "*.dkr.ecr",
    "ecs": "ecs",
    "elasticloadbalancing": "elasticloadbalancing",
    "events": "events",
    "execute-api": "*.execute-api",
    "glue": "glue",
    "kinesis-firehose": "firehose",
    "kinesis-streams": "kinesis",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "monitoring",
    "rds": "rds",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "ssmmessages": "ssmmessages",
    "states": "states",
    "sts": "sts",
    "xray": "xray",
}
"""Interface services by the last part of their name, and the host that private DNS answers for, before
`.<region>.amazonaws.com`."""
_WITHOUT_PRIVATE_DNS = ("dynamodb",)
"""Interface services that clients must address by the endpoint's own names (facts: "no private DNS")."""


class EndpointService(Struct, frozen=True, kw_only=True):
    """One kind of endpoint to one service in one Region."""

    name: str
    """`com.amazonaws.us-east-2.dynamodb`."""
    service: str
    region: str
    kind: str
    """Gateway or Interface."""
    private_dns_name: str = ""

    @property
    def service_id(self) -> str:
        """Stable stand-in for AWS's `vpce-svc-...`."""
        return "vpce-svc-0" + sha256(f"{self.name}/{self.kind}".encode()).hexdigest()[:16]

    @property
    def base_name(self) -> str:
        """`BaseEndpointDnsNames`: what the endpoint's own DNS names end with."""
        if self.kind == "Gateway":
            return f"{self.service}.{self.region}.amazonaws.com"
        return _base_name(self.service, self.region)


def _base_name(service: str, region: str) -> str:
    label = "streams.dynamodb" if service == "dynamodb-streams" else ".".join(reversed(service.split(".")))
    return f"{label}.{region}.vpce.amazonaws.com"


@cache
def services(region: str) -> tuple[EndpointService, ...]:
    """Everything a VPC of the Region can have an endpoint to, by name."""
    made = [
        EndpointService(name=f"com.amazonaws.{region}.{each}", service=each, region=region, kind="Gateway")
        for each in _GATEWAY
    ]
    made += [
        EndpointService(
            name=f"com.amazonaws.{region}.{service}",
            service=service,
            region=region,
            kind="Interface",
            private_dns_name=f"{host}.{region}.amazonaws.com",
        )
        for service, host in _PRIVATE_NAMES.items()
    ]
    made += [
        EndpointService(name=f"com.amazonaws.{region}.{each}", service=each, region=region, kind="Interface")
        for each in _WITHOUT_PRIVATE_DNS
    ]
    return tuple(sorted(made, key=lambda each: (each.name, each.kind)))


def service_of(endpoint: VpcEndpoint) -> EndpointService:
    """The service an endpoint leads to."""
    return next(
        each
        for each in services(endpoint.region)
        if each.name == endpoint.service_name and each.kind == endpoint.kind
    )


def dns_names(state: Ec2State, endpoint: VpcEndpoint) -> tuple[str, ...]:
    """An interface endpoint's own names: the Regional one, then one for each zone it is in."""
    base = _base_name(endpoint.service, endpoint.region)
    stem = f"{endpoint.id}-{endpoint.dns_suffix}"
    subnets = [state.subnets.find(endpoint, each) for each in endpoint.subnet_ids]
    zones = sorted({subnet.zone for subnet in subnets if subnet})
    return (f"{stem}.{base}", *(f"{stem}-{zone}.{base}" for zone in zones))


def hosted_zone(region: str) -> str:
    """A stable stand-in for the id of the Region's `vpce.amazonaws.com` zone."""
    return "Z" + sha256(f"vpce/{region}".encode()).hexdigest()[:13].upper()
