"""The three timestamp formats of AWS protocols.

Source: Smithy, "Protocol traits", `timestampFormat`: date-time, http-date, epoch-seconds; botocore's names for them
are iso8601, rfc822, unixtimestamp.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[Tt ](\d\d):?(\d\d):?(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([-+])(\d\d):?(\d\d))?",
    re.ASCII,
)


def from_epoch(seconds: float) -> datetime:
    """Seconds since the epoch; ValueError when no year of the calendar holds them."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"out of range: {seconds}") from error


def from_text(text: str) -> datetime:
    """A timestamp in any of the three formats; ValueError when it is none of them.

    AWS's front ends are as liberal: EC2 and IAM take an ISO date without a time, S3 takes either header format.
    """
    match = _ISO.fullmatch(text)
    if match:
        return _from_iso(match)
    if _NUMBER.fullmatch(text):
        return from_epoch(float(text))
    # Late: `email` brings 10 ms of imports that most starts never need.
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, IndexError) as error:
        raise ValueError(f"not a timestamp: {text!r}") from error
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _from_iso(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = match.groups()
    moment = datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0").ljust(6, "0")[:6]),
        tzinfo=UTC,
    )
    if sign:
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        zone = timezone(-offset if sign == "-" else offset)
        try:
            return moment.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError as error:
            raise ValueError("out of range") from error
    return moment


def to_epoch(moment: datetime) -> float:
    """Seconds since the epoch: an int when whole, else with milliseconds, as AWS's JSON services answer."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    whole = delta.days * 86400 + delta.seconds
    milliseconds = delta.microseconds // 1000
    return (whole * 1000 + milliseconds) / 1000 if milliseconds else whole


def to_iso(moment: datetime) -> str:
    """`2026-11-21T09:00:00Z`, or with milliseconds when there are any."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    text = (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    )
    milliseconds = moment.microsecond // 1000
    return f"{text}.{milliseconds:03}Z" if milliseconds else text + "Z"


def to_iso_milliseconds(moment: datetime) -> str:
    """As `to_iso`, always with three digits of milliseconds: what EC2 and S3 answer."""
    text = to_iso(moment)
    return text if "." in text else text[:-1] + ".000Z"


def to_http_date(moment: datetime) -> str:
    """`Sat, 21 Nov 2026 09:00:00 GMT`."""
    from email.utils import format_datetime

    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def to_text(moment: datetime, style: str) -> str:
    """In the format of that botocore name."""
    if style == "iso8601":
        return to_iso(moment)
    if style == "rfc822":
        return to_http_date(moment)
    return str(to_epoch(moment))
