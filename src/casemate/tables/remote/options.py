"""What `--tables` and `--tables-credentials` say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from casemate.tables.remote.endpoint import RemoteEndpoint

_PREFIX = "remote="
_ENVIRONMENT = "CASEMATE_TABLES_"


class RemoteTablesError(ValueError):
    """The options do not name a remote; the text says why."""


class RemoteUnusableError(Exception):
    """The remote can't be reached, or refuses the keys; the text says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteTables:
    """An endpoint and the keys for it."""

    url: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    region: str = "us-east-1"

    @classmethod
    def read(cls, text: str, credentials: Path | None, environment: Mapping[str, str]) -> RemoteTables:
        """From `remote=URL` and a file as `casemate env --format json` writes it, or the environment's CASEMATE_TABLES_*."""
        url = text.removeprefix(_PREFIX)
        parts = urlsplit(url)
        if not text.startswith(_PREFIX) or parts.scheme not in ("http", "https") or not parts.hostname:
            raise RemoteTablesError(f"--tables takes remote=URL with an http or https URL, not {text!r}")
        given = _from_file(credentials) if credentials else _from_environment(environment)
        key, secret = given.get("AWS_ACCESS_KEY_ID"), given.get("AWS_SECRET_ACCESS_KEY")
        if not key or not secret:
            raise RemoteTablesError(
                "remote tables need keys: --tables-credentials FILE, or CASEMATE_TABLES_ACCESS_KEY_ID and "
                "CASEMATE_TABLES_SECRET_ACCESS_KEY (an endpoint that checks none takes any)"
            )
        return cls(
            url=url.rstrip("/"),
            access_key_id=key,
            secret_access_key=secret,
            session_token=given.get("AWS_SESSION_TOKEN"),
            region=given.get("AWS_REGION") or "us-east-1",
        )

    def endpoint(self) -> RemoteEndpoint:
        """The endpoint, to be used on one event loop."""
        from casemate.tables.remote.endpoint import RemoteCredentials, RemoteEndpoint

        held = RemoteCredentials(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            session_token=self.session_token,
            region=self.region,
        )
        return RemoteEndpoint(self.url, held)


def _from_file(path: Path) -> Mapping[str, str]:
    try:
        document: Any = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise RemoteTablesError(f"--tables-credentials {path}: {error}") from error
    if not isinstance(document, dict):
        raise RemoteTablesError(f"--tables-credentials {path}: not a JSON object")
    return cast("Mapping[str, str]", document)


def _from_environment(environment: Mapping[str, str]) -> Mapping[str, str]:
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION")
    return {
        f"AWS_{name}": environment[_ENVIRONMENT + name]
        for name in names
        if environment.get(_ENVIRONMENT + name)
    }
