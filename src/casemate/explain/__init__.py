"""Rendering of traces: decisions and verdicts in words, for people and as JSON. Pure.

Belongs here: how an explanation reads. Does not belong here: finding out why (traces already know). Knows
`casemate.policy`, `casemate.reachability` and `casemate.model`.
"""
