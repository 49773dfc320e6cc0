"""Elastic network interfaces."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class PublicAssociation(Struct, frozen=True, kw_only=True):
    """An elastic address on one private address."""

    public_ip: str
    allocation_id: str
    association_id: str
    owner: str
    """Account, or `amazon`."""


class PrivateAddress(Struct, frozen=True, kw_only=True):
    address: str
    primary: bool = False
    public: PublicAssociation | None = None


class Attachment(Struct, frozen=True, kw_only=True):
    """To an instance, or to an AWS service (`ela-attach-...`, owned by `amazon-aws`)."""

    attachment_id: str
    instance_owner: str
    attached: datetime | None = None
    instance_id: str = ""
    device_index: int = 0
    delete_on_termination: bool = False


class Interface(Record, frozen=True, kw_only=True):
    vpc_id: str
    subnet_id: str
    zone: str
    zone_id: str
    mac: str
    description: str = ""
    kind: str = "interface"
    """`InterfaceType`: interface, lambda, nat_gateway, vpc_endpoint."""
    addresses: tuple[PrivateAddress, ...]
    groups: tuple[str, ...] = ()
    source_dest_check: bool = True
    requester_id: str = ""
    requester_managed: bool = False
    attachment: Attachment | None = None
    owner: str = ""
    """Id of the NAT gateway, endpoint or instance it belongs to."""
    users: tuple[str, ...] = ()
    """ARNs of the functions that share it (kind `lambda`)."""
    ipv6: tuple[str, ...] = ()
    """IPv6 addresses, in the order in which they were assigned."""

    @property
    def primary(self) -> PrivateAddress:
        """The address it cannot lose."""
        return self.addresses[0]

    @property
    def status(self) -> str:
        """in-use while attached."""
        return "in-use" if self.attachment else "available"
