"""The instance metadata service: 169.254.169.254, versions 1 and 2.

Source: EC2 User Guide, "Access instance metadata for an EC2 instance", "Instance metadata categories" and "Retrieve
security credentials from instance metadata". Who asks is told by the VPC and the private address the request comes
from, neither of which an instance can choose.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from http import HTTPStatus

from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes
from casemate.model.network import Address
from casemate.model.principals import InstanceSource
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import Credential, RoleSessions
from casemate.services.ec2.instance_facts import arn_of
from casemate.services.ec2.metadata_tree import Tree, categories, dynamic
from casemate.services.ec2.records import Instance
from casemate.services.ec2.state import Ec2State
from casemate.wire.http import HttpRequest, HttpResponse

VERSIONS = (
    "1.0",
    "2007-01-19",
    "2009-04-04",
    "2012-01-12",
    "2014-11-05",
    "2016-09-02",
    "2021-07-15",
    "latest",
)
"""Some of AWS's; what they hold is the same here."""
_TTL, _TOKEN = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
_MAX_TTL = 21_600
_MOST_TOKENS = 1024
"""Of one instance at a time: one that asks for more loses its oldest. Casemate's limit; AWS publishes none."""
_FRESH = timedelta(hours=6)
"""Credentials with less than this left are made anew."""
_TITLES = {each.value: f"{each.value} - {each.phrase}" for each in HTTPStatus}


class MetadataService:
    """Answers instances about themselves."""

    def __init__(
        self, state: Ec2State, sessions: RoleSessions, clock: Clock, random_bytes: RandomBytes
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._clock = clock
        self._random_bytes = random_bytes
        self._tokens: dict[str, dict[str, datetime]] = {}
        """By instance: when each of its tokens expires, the oldest token first."""
        self._credentials: dict[tuple[str, str, str], tuple[datetime, Credential]] = {}

    def answer(self, request: HttpRequest, *, vpc_id: str, peer: Address) -> HttpResponse:
        """One request. From what is not an instance: not found."""
        instance = self._asker(vpc_id, str(peer))
        if instance is None:
            return _failure(404)
        if instance.metadata.endpoint == "disabled":
            return _failure(403)
        if request.method == "PUT":
            return self._token(request, instance)
        if request.method not in {"GET", "HEAD"}:
            return _failure(405)
        presented = request.headers.get(_TOKEN)
        if presented is None and instance.metadata.tokens == "required":
            return _failure(401)
        if presented is not None and not self._valid(presented, instance):
            return _failure(401)
        return self._found(request.path, instance, "1.0" if presented is None else "2.0")

    def _asker(self, vpc_id: str, peer: str) -> Instance | None:
        for interface in self._state.interfaces.everywhere():
            if interface.vpc_id == vpc_id and any(each.address == peer for each in interface.addresses):
                attachment = interface.attachment
                return self._state.instances.find(interface, attachment.instance_id) if attachment else None
        return None

    def _token(self, request: HttpRequest, instance: Instance) -> HttpResponse:
        if request.path != "/latest/api/token":
            return _failure(404)
        if (
            "x-forwarded-for" in request.headers
        ):  # a misconfigured proxy on the instance: refused, as documented
            return _failure(403)
        text = request.headers.get(_TTL) or ""
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= _MAX_TTL):
            return _failure(400)
        token = urlsafe_b64encode(self._random_bytes(39)).decode() + "=="
        held = self._tokens.setdefault(instance.id, {})
        if len(held) >= _MOST_TOKENS:
            del held[next(iter(held))]
        held[token] = self._clock() + timedelta(seconds=int(text))
        answer = _text(token, (("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", text),))
        # With a limit of 1 it goes no further than the instance itself. EC2 User Guide, "Configure the Instance
        # Metadata Service options": the hop limit of the PUT response.
        answer.hop_limit = instance.metadata.hop_limit
        return answer

    def _valid(self, presented: str, instance: Instance) -> bool:
        expires = self._tokens.get(instance.id, {}).get(presented)
        return expires is not None and expires > self._clock()

    def _found(self, path: str, instance: Instance, version: str) -> HttpResponse:
        first, _, rest = path.lstrip("/").partition("/")
        if not first:
            return _text("\n".join(VERSIONS))
        if first not in VERSIONS:
            return _failure(404)
        if rest.rstrip("/") == "user-data":
            raw = b64decode(instance.user_data)
            content = (("Content-Type", "application/octet-stream"),)
            return HttpResponse(status=200, headers=content, body=raw) if raw else _failure(404)
        tree: Tree = {
            "dynamic": dynamic(self._state, instance),
            "meta-data": {
                **categories(self._state, instance),
                **self._iam(instance, rest, version),
            },
        }
        if instance.user_data:
            tree["user-data"] = ""
        return _walk(tree, rest)

    def _iam(self, instance: Instance, rest: str, version: str) -> Tree:
        """Credentials are made only when they are asked for."""
        profile = instance.profile
        found = (
            self._state.profiles.profile(instance.account, arn=profile.arn)
            if profile and self._state.profiles
            else None
        )
        if profile is None or found is None:
            return {}
        info = {
            "Code": "Success",
            "LastUpdated": _moment(profile.since),
            "InstanceProfileArn": profile.arn,
            "InstanceProfileId": profile.profile_id,
        }
        if found.role_arn is None:
            return {"iam": {"info": json.dumps({**info, "Code": "InstanceProfileNotFound"}, indent=2)}}
        role = found.role_arn.rsplit("/", 1)[1]
        wanted = rest.startswith("meta-data/iam/security-credentials/") and len(rest.split("/")[3])
        secret = self._session(instance, found.role_arn, version) if wanted else ""
        return {"iam": {"info": json.dumps(info, indent=2), "security-credentials": {role: secret}}}

    def _session(self, instance: Instance, role_arn: str, version: str) -> str:
        now = self._clock()
        made, credential = self._credentials.get((instance.id, role_arn, version), (now, None))
        if credential is None or credential.expires is None or credential.expires - now < _FRESH:
            source = InstanceSource(
                arn=arn_of(instance),
                vpc_id=instance.vpc_id,
                private_ip=instance.private_ip,
                delivery=version,
            )
            try:
                credential = self._sessions.assume_for_service(
                    role_arn=role_arn,
                    session_name=instance.id,
                    service="ec2.amazonaws.com",
                    source_instance=source,
                )
            except AwsError:
                role = role_arn.rsplit("/", 1)[1]
                refusal = {
                    "Code": "AssumeRoleUnauthorizedAccess",
                    "Message": f"EC2 cannot assume the role {role}. Please see documentation at "
                    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.",
                    "LastUpdated": _moment(now),
                }
                return json.dumps(refusal, indent=2)
            made = now
            self._credentials[instance.id, role_arn, version] = (made, credential)
        assert credential.expires is not None
        body = {
            "Code": "Success",
            "LastUpdated": _moment(made),
            "Type": "AWS-HMAC",
            "AccessKeyId": credential.access_key_id,
            "SecretAccessKey": credential.secret_access_key,
            "Token": credential.session_token,
            "Expiration": _moment(credential.expires),
        }
        return json.dumps(body, indent=2)


def _walk(tree: Tree, path: str) -> HttpResponse:
    """A leaf, or the listing of a directory, whose own directories end in a slash."""
    node: Tree | str = tree
    for part in [each for each in path.split("/") if each]:
        if isinstance(node, str) or part not in node:
            return _failure(404)
        node = node[part]
    if isinstance(node, str):
        return _failure(404) if path.endswith("/") and not node else _text(node)
    names = [f"{name}/" if isinstance(below, dict) else name for name, below in node.items()]
    # The roles of a profile and the keys of tags are leaves that look like none.
    return _text("\n".join(names))


def _text(body: str, headers: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    return HttpResponse(
        status=200,
        headers=(("Content-Type", "text/plain"), ("Server", "EC2ws"), *headers),
        body=body.encode(),
    )


def _failure(status: int) -> HttpResponse:
    title = _TITLES[status]
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n'
        '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        f" <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    )
    return HttpResponse(
        status=status, headers=(("Content-Type", "text/html"), ("Server", "EC2ws")), body=page.encode()
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
