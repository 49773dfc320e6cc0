"""What a key's state lets be done with it.

Source: Developer Guide, "Key states of AWS KMS keys": the table of operations by key state.
"""

from __future__ import annotations

from collections.abc import Iterable

from casemate.services.kms.errors import disabled, invalid_grant_token, pending_deletion, wrong_usage
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.state import KmsState


def require_not_pending(key: KeyRecord) -> None:
    """KMSInvalidStateException while the key waits for its deletion."""
    if key.state == "PendingDeletion":
        raise pending_deletion(key.arn)


def require_enabled(key: KeyRecord) -> None:
    """DisabledException, or KMSInvalidStateException while the key waits for its deletion."""
    require_not_pending(key)
    if key.state == "Disabled":
        raise disabled(key.arn)


def require_usable(key: KeyRecord, usage: str, operation: str) -> None:
    """The key must be enabled, and made for such operations."""
    require_enabled(key)
    if key.usage != usage:
        raise wrong_usage(key.arn, key.usage, operation)


def check_grant_tokens(state: KmsState, region: str, tokens: Iterable[str] | None) -> None:
    """A grant is in force as soon as it is made, so that a token has nothing to add; it must be one, though."""
    if any(state.grant_of(region, token) is None for token in tokens or ()):
        raise invalid_grant_token()
