"""Snapshot -> kernel plan. Pure."""
