"""Hostile queries get silence, never an exception."""

from __future__ import annotations

import struct

import dnslib
import pytest
from tests.support.vpc_builder import VpcBuilder, network

from casemate.gateway.dns import Resolver

HEAD = struct.pack("!6H", 1, 0x100, 1, 0, 0, 0)
IN_A = b"\0\1\0\1"


@pytest.mark.parametrize(
    "name",
    [
        b"".join(b"\x3f" + letter * 63 for letter in (b"a", b"b", b"c", b"d")) + b"\0",
        b"\xc0\x0c",
        b"".join(struct.pack("!H", 0xC000 | (14 + 2 * i)) for i in range(3000)) + b"\0",
        b"\4\xff\xfe\0\1\0",
        b"\x40abc\0",
    ],
    ids=["more than 253 characters", "pointer to itself", "chain of pointers", "not text", "reserved label"],
)
@pytest.mark.parametrize("udp", [True, False])
async def test_a_name_that_is_none(name: bytes, udp: bool) -> None:
    resolver = Resolver(lambda: network(VpcBuilder("vpc-a")), "vpc-a")
    assert await resolver.answer(HEAD + name + IN_A, udp=udp) is None


@pytest.mark.parametrize(
    ("name", "over_ipv6"),
    [
        ("kms.us-east-2.api.aws", True),
        ("dynamodb.us-east-2.api.aws", False),
        ("s3.dualstack.us-east-2.amazonaws.com", True),
        ("dynamodb.us-east-2.amazonaws.com", False),
        ("example.org", False),
    ],
)
async def test_only_dual_stack_names_have_ipv6_addresses(name: str, over_ipv6: bool) -> None:
    """AWS General Reference, "AWS service endpoints": dual-stack endpoints; the others answer A queries alone."""
    resolver = Resolver(lambda: network(VpcBuilder("vpc-a")), "vpc-a")
    for kind, there in (("A", True), ("AAAA", over_ipv6)):
        packed = await resolver.answer(bytes(dnslib.DNSRecord.question(name, kind).pack()), udp=True)
        answer = dnslib.DNSRecord.parse(packed)
        assert answer.header.rcode == 0, "a name that exists has no answer of that kind: no error"
        assert [dnslib.QTYPE[each.rtype] for each in answer.rr] == ([kind] if there else [])
