"""S3's two ways to name a bucket: in the host, or first in the path.

Source: Amazon S3 User Guide, "Virtual hosting of buckets".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casemate.wire.http import HttpRequest

_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])\.s3"
    r"(?:-accelerate|-fips|[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?"
    r"(?:\.(?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost)(?::\d+)?",
    re.ASCII,
)


def bucket_of_host(host: str) -> str | None:
    """The bucket that a host name names, if it does."""
    match = _VIRTUAL_HOST.fullmatch(host.lower())
    return match["bucket"] if match else None


def path_style(request: HttpRequest, service: str) -> str:
    """The path with the bucket first, as the model's templates have it."""
    if service != "s3":
        return request.path
    bucket = bucket_of_host(request.headers.get("host", ""))
    return request.path if bucket is None else f"/{bucket}{request.path}"
