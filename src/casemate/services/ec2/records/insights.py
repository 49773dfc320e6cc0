"""Reachability Analyzer's paths and analyses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casemate.services.ec2.records.base import Record


class InsightsPath(Record, frozen=True, kw_only=True):
    """A question: can `source` send to `destination`?"""

    source: str
    """Id, or the ARN of a Lambda function."""
    destination: str = ""
    """Id; empty when only an address is asked about."""
    source_ip: str = ""
    destination_ip: str = ""
    protocol: str
    """tcp or udp."""
    port: int | None = None
    """Destination port; None: is there any?"""
    filter_at_source: dict[str, Any] | None = None
    """PathFilter, as given."""
    created: datetime


class InsightsAnalysis(Record, frozen=True, kw_only=True):
    """An answer, as the network was when it was asked."""

    path_id: str
    started: datetime
    filter_in: tuple[str, ...] = ()
    filter_out: tuple[str, ...] = ()
    found: bool
    forward: list[dict[str, Any]]
    """PathComponents of the API, as are the other lists' members."""
    back: list[dict[str, Any]]
    explanations: list[dict[str, Any]]
    warning: str = ""
    """Cause and remedy in words."""
    failure: str = ""
    """Why there is no answer: the status message."""
    suggested: tuple[str, ...] = ()
    """Accounts into which the way leads."""
