"""The reference architecture of the design, and its variants, as a network.

Two private subnets in two zones, a function whose group may leave on 443 to DynamoDB's prefix list only, and a gateway
endpoint; beside them a public subnet with an internet gateway and a NAT gateway that nothing uses yet.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from casemate.model.network import NetworkSnapshot
from casemate.model.regions import service_address
from tests.support.networks import build, merged

REGION = "us-east-2"
DYNAMODB: IPv4Address = service_address("dynamodb", REGION)
PREFIX_LIST = "pl-4ca54025"
FUNCTION = "eni-orders"

REFERENCE: dict[str, Any] = {
    "vpc-main": {
        "cidr": "10.0.0.0/16",
        "region": REGION,
        "igw": "igw-main",
        "tables": {
            "rtb-main": [],
            "rtb-private": [f"{PREFIX_LIST} -> vpce-ddb"],
            "rtb-public": ["0.0.0.0/0 -> igw-main"],
        },
        "subnets": {
            "subnet-public": "10.0.0.0/24 rtb-public zone=a",
            "subnet-a": "10.0.1.0/24 rtb-private zone=a",
            "subnet-b": "10.0.2.0/24 rtb-private zone=b",
        },
        "groups": {
            "sg-function": [f"out tcp 443 {PREFIX_LIST}"],
            "sg-open": ["out all 0.0.0.0/0", "in all 0.0.0.0/0"],
        },
        "interfaces": {
            FUNCTION: "lambda subnet-a 10.0.1.10 sg-function",
            "eni-orders-b": "lambda subnet-b 10.0.2.10 sg-function",
            "eni-instance": "interface subnet-a 10.0.1.20 sg-open",
            "eni-public": "interface subnet-public 10.0.0.20 sg-open public=18.161.64.20",
        },
        "nats": {"nat-main": "subnet-public 10.0.0.9 18.161.64.9"},
        "endpoints": {"vpce-ddb": "gateway dynamodb"},
    },
}


def reference_network(patch: dict[str, Any] | None = None) -> NetworkSnapshot:
    """The reference architecture, with a merge patch applied to its notation."""
    return build(merged(REFERENCE, patch or {}))
