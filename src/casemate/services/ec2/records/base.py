"""What every record has."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Place(Protocol):
    """An account and a Region: a request's context has them, and so has every record."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...


class Home(Struct, frozen=True, kw_only=True):
    """An account's EC2 in one Region; its record says that the default VPC has been made there once."""

    account: str
    region: str
    default_dhcp_options_id: str = ""


class Record(Struct, frozen=True, kw_only=True):
    """A resource: unique id, owner and Region."""

    id: str
    account: str
    region: str
