"""Rendering of traces: decisions and verdicts in words, for people and as JSON. Pure.

Belongs here: how an explanation reads. Does not belong here: finding out why (traces already know). Knows
`casemate.policy`, `casemate.reachability` and `casemate.model`.
"""

from casemate.explain.cases import case_json, render_case, result_of
from casemate.explain.decisions import render_decision
from casemate.explain.plain import to_json
from casemate.explain.verdicts import render_verdict

__all__ = ["case_json", "render_case", "render_decision", "render_verdict", "result_of", "to_json"]
