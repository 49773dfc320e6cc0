"""The operations of STS; importing this package registers them."""

from casemate.services.sts.operations import assume_role, caller, federation, tokens

__all__ = ["assume_role", "caller", "federation", "tokens"]
