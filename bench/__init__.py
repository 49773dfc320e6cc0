"""Measurements of the whole stack, beside peers in the same run."""
