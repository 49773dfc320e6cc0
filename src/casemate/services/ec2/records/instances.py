"""Instances, what they are launched with, and key pairs."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class BlockDevice(Struct, frozen=True, kw_only=True):
    """A volume of an instance. It is a record: what an instance writes lives in its home."""

    device: str
    volume_id: str
    size: int
    """GiB."""
    kind: str
    iops: int
    encrypted: bool
    delete_on_termination: bool
    snapshot_id: str
    attached: datetime


class MetadataOptions(Struct, frozen=True, kw_only=True):
    """How the instance metadata service answers."""

    tokens: str
    """`HttpTokens`: required or optional."""
    hop_limit: int
    endpoint: str = "enabled"
    tags: str = "disabled"


class ProfileAssociation(Struct, frozen=True, kw_only=True):
    """An instance profile on an instance."""

    association_id: str
    arn: str
    profile_id: str
    since: datetime


class Instance(Record, frozen=True, kw_only=True):
    reservation_id: str
    launch_index: int
    image_id: str
    kind: str
    """`InstanceType`: t3.micro."""
    state: str
    """`InstanceState.Name`: see `lifecycle`."""
    vpc_id: str
    subnet_id: str
    zone: str
    zone_id: str
    private_ip: str
    launched: datetime
    metadata: MetadataOptions
    devices: tuple[BlockDevice, ...]
    key_name: str = ""
    user_data: str = ""
    """Base64, as it came."""
    profile: ProfileAssociation | None = None
    client_token: str = ""
    tenancy: str = "default"
    ebs_optimized: bool = False
    monitoring: bool = False
    disable_termination: bool = False
    disable_stop: bool = False
    shutdown_behavior: str = "stop"
    credits: str = ""
    """`CpuCredits`; empty for what is not burstable."""
    wants_public_ip: bool = False
    """A public address of the pool is assigned each time it starts."""
    boots: int = 1
    """Counts launches, starts and reboots."""
    initialized: bool = False
    """It has been up once: user data is not run again."""
    transition_reason: str = ""
    reason_code: str = ""
    reason: str = ""
    ended: datetime | None = None
    """When it was terminated."""


class KeyPair(Record, frozen=True, kw_only=True):
    """`id` is the KeyPairId; the private half is never kept."""

    name: str
    kind: str
    """rsa or ed25519."""
    fingerprint: str
    public_key: str
    created: datetime
