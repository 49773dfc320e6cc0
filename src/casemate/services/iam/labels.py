"""What explanations call the policies that have no ARN."""

from __future__ import annotations


def inline_label(name: str, owner_arn: str) -> str:
    """`inline policy read-orders of role orders (arn:aws:iam::000000000000:role/orders)`."""
    kind, _, owner = owner_arn.split(":", 5)[5].partition("/")
    return f"inline policy {name} of {kind} {owner} ({owner_arn})"


def trust_label(role_arn: str) -> str:
    """`trust policy of arn:aws:iam::000000000000:role/orders`."""
    return f"trust policy of {role_arn}"
