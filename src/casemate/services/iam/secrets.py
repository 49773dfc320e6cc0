"""Secret access keys."""

from __future__ import annotations

import base64

from casemate.model.ids import RandomBytes


def new_secret(random_bytes: RandomBytes) -> str:
    """Forty characters of base64, as AWS's secrets."""
    return base64.b64encode(random_bytes(30)).decode()
