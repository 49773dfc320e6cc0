"""The images and instance types there are.

Images are Casemate's own, under the names and owners that AWS's public images have, so that look-ups by owner and name
pattern find one. All of them run the same system: the machine's own, read-only. Instance types with their processors,
memory, interfaces and addresses: EC2 Instance Types Guide, "Specifications for Amazon EC2 general purpose instances" and
its siblings. Unverified, for that page could not be read: t3.medium's three interfaces alone are confirmed, by the error
quoted in cilium/cilium issue 15877 (c5.large's three by the ECS Developer Guide, "ENI trunking"); neither processors nor memory are limited here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from msgspec import Struct

AMAZON = "137112412989"
_CANONICAL = "099720109477"


class ImageTemplate(Struct, frozen=True, kw_only=True):
    """An image, which has an id of its own in each Region."""

    name: str
    owner: str
    alias: str
    description: str
    created: str
    architecture: str = "x86_64"
    root_device: str = "/dev/xvda"
    size: int = 8
    imds_v2: bool = False


class Image(Struct, frozen=True, kw_only=True):
    """An image in a Region."""

    id: str
    snapshot_id: str
    template: ImageTemplate


def _amazon(name: str, description: str, created: str, **more: object) -> ImageTemplate:
    return ImageTemplate(
        name=name,
        owner=AMAZON,
        alias="amazon",
        description=description,
        created=created,
        **more,  # pyright: ignore[reportArgumentType] - fields of the template
    )


_TEMPLATES = (
    _amazon(
        "al2023-ami-2023.9.20251117.1-kernel-6.12-x86_64",
        "Amazon Linux 2023 AMI 2023.9.20251117.1 x86_64 HVM kernel-6.12",
        "2025-11-17T23:10:00.000Z",
        imds_v2=True,
    ),
    _amazon(
        "al2023-ami-2023.9.20251117.1-kernel-6.1-x86_64",
        "Amazon Linux 2023 AMI 2023.9.20251117.1 x86_64 HVM kernel-6.1",
        "2025-11-17T23:05:00.000Z",
        imds_v2=True,
    ),
    _amazon(
        "al2023-ami-2023.9.20251117.1-kernel-6.1-arm64",
        "Amazon Linux 2023 AMI 2023.9.20251117.1 arm64 HVM kernel-6.1",
        "2025-11-17T23:05:00.000Z",
        architecture="arm64",
        imds_v2=True,
    ),
    _amazon(
        "amzn2-ami-hvm-2.0.20251110.1-x86_64-gp2",
        "Amazon Linux 2 AMI 2.0.20251110.1 x86_64 HVM gp2",
        "2025-11-10T20:00:00.000Z",
    ),
    ImageTemplate(
        name="ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251022",
        owner=_CANONICAL,
        alias="",
        description="Canonical, Ubuntu, 24.04, amd64 noble image",
        created="2025-10-22T09:00:00.000Z",
        root_device="/dev/sda1",
        imds_v2=True,
    ),
    ImageTemplate(
        name="ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251015",
        owner=_CANONICAL,
        alias="",
        description="Canonical, Ubuntu, 22.04 LTS, amd64 jammy image",
        created="2025-10-15T09:00:00.000Z",
        root_device="/dev/sda1",
    ),
)


@cache
def images(region: str) -> Mapping[str, Image]:
    """The images of a Region by id. Ids are made of the name, so that they are the same in every Casemate."""
    found: dict[str, Image] = {}
    for template in _TEMPLATES:
        digest = sha256(f"{region}/{template.name}".encode()).hexdigest()
        image = Image(id=f"ami-0{digest[:16]}", snapshot_id=f"snap-0{digest[16:32]}", template=template)
        found[image.id] = image
    return found


class InstanceType(Struct, frozen=True, kw_only=True):
    """What an instance type has."""

    name: str
    vcpus: int
    cores: int
    memory: int
    """MiB."""
    interfaces: int
    addresses: int
    """IPv4 addresses per interface."""
    architecture: str = "x86_64"
    network: str = "Up to 5 Gigabit"
    clock: float = 2.5
    hypervisor: str = "nitro"
    current: bool = True
    free_tier: bool = False

    @property
    def burstable(self) -> bool:
        """t2, t3, t3a, t4g."""
        return self.name.startswith("t")

    @property
    def ebs_optimized(self) -> str:
        """EbsOptimizedSupport."""
        return "unsupported" if self.hypervisor == "xen" else "default"


_ROWS = (
    # name, vcpus, cores, MiB, interfaces, addresses, network, GHz
    ("t3.nano", 2, 1, 512, 2, 2, "Up to 5 Gigabit", 2.5),
    ("t3.micro", 2, 1, 1024, 2, 2, "Up to 5 Gigabit", 2.5),
    ("t3.small", 2, 1, 2048, 3, 4, "Up to 5 Gigabit", 2.5),
    ("t3.medium", 2, 1, 4096, 3, 6, "Up to 5 Gigabit", 2.5),
    ("t3.large", 2, 1, 8192, 3, 12, "Up to 5 Gigabit", 2.5),
    ("t3.xlarge", 4, 2, 16384, 4, 15, "Up to 5 Gigabit", 2.5),
    ("t3.2xlarge", 8, 4, 32768, 4, 15, "Up to 5 Gigabit", 2.5),
    ("m5.large", 2, 1, 8192, 3, 10, "Up to 10 Gigabit", 3.1),
    ("m5.xlarge", 4, 2, 16384, 4, 15, "Up to 10 Gigabit", 3.1),
    ("m5.2xlarge", 8, 4, 32768, 4, 15, "Up to 10 Gigabit", 3.1),
    ("m6i.large", 2, 1, 8192, 3, 10, "Up to 12.5 Gigabit", 3.5),
    ("m6i.xlarge", 4, 2, 16384, 4, 15, "Up to 12.5 Gigabit", 3.5),
    ("c5.large", 2, 1, 4096, 3, 10, "Up to 10 Gigabit", 3.4),
    ("c5.xlarge", 4, 2, 8192, 4, 15, "Up to 10 Gigabit", 3.4),
    ("c6i.large", 2, 1, 4096, 3, 10, "Up to 12.5 Gigabit", 3.5),
    ("r5.large", 2, 1, 16384, 3, 10, "Up to 10 Gigabit", 3.1),
    ("r6i.large", 2, 1, 16384, 3, 10, "Up to 12.5 Gigabit", 3.5),
)
_GRAVITON = (
    ("t4g.nano", 2, 2, 512, 2, 2, "Up to 5 Gigabit", 2.5),
    ("t4g.micro", 2, 2, 1024, 2, 2, "Up to 5 Gigabit", 2.5),
    ("t4g.small", 2, 2, 2048, 3, 4, "Up to 5 Gigabit", 2.5),
    ("t4g.medium", 2, 2, 4096, 3, 6, "Up to 5 Gigabit", 2.5),
    ("m6g.large", 2, 2, 8192, 3, 10, "Up to 10 Gigabit", 2.5),
    ("m7g.large", 2, 2, 8192, 3, 10, "Up to 12.5 Gigabit", 2.6),
    ("c7g.large", 2, 2, 4096, 3, 10, "Up to 12.5 Gigabit", 2.6),
)
_XEN = (
    ("t2.nano", 1, 1, 512, 2, 2, "Low to Moderate", 3.3),
    ("t2.micro", 1, 1, 1024, 2, 2, "Low to Moderate", 2.5),
    ("t2.small", 1, 1, 2048, 3, 4, "Low to Moderate", 2.5),
    ("t2.medium", 2, 2, 4096, 3, 6, "Low to Moderate", 2.3),
    ("t2.large", 2, 2, 8192, 3, 12, "Low to Moderate", 2.3),
)


def _type(row: tuple[str, int, int, int, int, int, str, float], **more: str) -> InstanceType:
    name, vcpus, cores, memory, interfaces, addresses, network, clock = row
    return InstanceType(
        name=name,
        vcpus=vcpus,
        cores=cores,
        memory=memory,
        interfaces=interfaces,
        addresses=addresses,
        network=network,
        clock=clock,
        free_tier=name in {"t3.micro", "t2.micro"},
        **more,  # pyright: ignore[reportArgumentType] - fields of the type
    )


INSTANCE_TYPES: Mapping[str, InstanceType] = {
    each.name: each
    for each in (
        *map(_type, _ROWS),
        *(_type(row, architecture="arm64") for row in _GRAVITON),
        *(_type(row, hypervisor="xen") for row in _XEN),
    )
}
