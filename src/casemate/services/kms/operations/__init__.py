"""Importing this package registers the operations."""

from __future__ import annotations

from casemate.services.kms.operations import (
    aliases,
    encryption,
    grants,
    keys,
    lifecycle,
    macs,
    policies,
    rotation,
    tags,
)

__all__ = ["aliases", "encryption", "grants", "keys", "lifecycle", "macs", "policies", "rotation", "tags"]
