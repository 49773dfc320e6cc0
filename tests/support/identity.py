"""iam, sts and organizations wired to one another as `casemate.app` wires them, with authorization when asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser

from casemate.gateway.authorization import refusal
from casemate.model.errors import AwsError
from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.context import principal_context
from casemate.policy.decision import Decision, PolicyType
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.request import AuthorizationRequest, PolicySet
from casemate.servicekit.ports import Credential
from casemate.servicekit.service import Check, Context, Service
from casemate.servicekit.store import Store
from casemate.services import iam, organizations, sts
from casemate.services.iam.bootstrap import Bootstrap
from casemate.services.iam.credentials import AccessKeyCredentials
from casemate.services.iam.identities import IamDirectory
from casemate.services.organizations.membership import OrganizationMembership
from casemate.services.sts.credentials import SessionCredentials
from casemate.services.sts.service_sessions import ServiceSessions
from casemate.wire.serializer import serialize_error, serialize_output
from tests.support.direct import DirectCloud

WORKLOAD, MANAGEMENT = organizations.WORKLOAD_ACCOUNT, organizations.MANAGEMENT_ACCOUNT


class IdentityCloud(DirectCloud):
    """`principal` None: DirectCloud's unchecked administrator. Otherwise calls are made, and authorized, as it."""

    def __init__(self, store: Store | None = None) -> None:
        store = store or Store(None)
        super().__init__(store)
        self.principal: Principal | None = None
        iam_service = iam.build(store, clock=lambda: self.now)
        self.directory = IamDirectory(iam_service.state)
        self.access_keys = AccessKeyCredentials(iam_service.state, self.directory)
        self.bootstrap = Bootstrap(state=iam_service.state, random_bytes=self.random_bytes)
        organization = organizations.build(
            store, clock=lambda: self.now, random_bytes=self.random_bytes, members=self.bootstrap
        )
        self.organization = OrganizationMembership(organization.state)
        iam_service.state.organization = self.organization
        sts_service = sts.build(
            store,
            clock=lambda: self.now,
            random_bytes=self.random_bytes,
            directory=self.directory,
            access_keys=self.access_keys,
            organization=self.organization,
        )
        self.session_credentials = SessionCredentials(sts_service.state)
        self.service_sessions = ServiceSessions(sts_service.state)
        self.services = {each.name: each for each in (iam_service, organization, sts_service)}

    def credential(self, access_key_id: str) -> Credential | None:
        return self.access_keys.credential(access_key_id) or self.session_credentials.credential(
            access_key_id
        )

    def administrator(self, account: str = WORKLOAD) -> Principal:
        """User `admin` of the account, as its access key identifies it."""
        found = self.credential(self.bootstrap.ensure_administrator(account).id)
        assert found is not None
        return found.principal

    def decide(self, service: Service[Any], check: Check, principal: Principal) -> Decision:
        """As the pipeline decides."""
        identities = self.directory.policies_of(principal)
        membership = self.organization.membership(principal.account)
        parts = check.resource.split(":", 5)
        owner = parts[4] if len(parts) == 6 and parts[4].isdigit() else principal.account
        owner_membership = self.organization.membership(owner)
        resource = service.resource_policies(check.resource) if service.resource_policies else None
        return evaluate(
            AuthorizationRequest(
                principal=principal,
                action=check.action,
                resource=check.resource,
                resource_account=owner,
                context={**principal_context(principal), **check.context},
            ),
            PolicySet(
                identity=identities.identity,
                boundary=identities.boundary,
                session=tuple(
                    parse_policy(text, kind=PolicyType.SESSION, label="session policy")
                    for text in principal.session_policies
                ),
                scps=membership.scps if membership else (),
                rcps=owner_membership.rcps if owner_membership else (),
                resource=resource,
                resource_type=service.resource_policy_type,
                # Only where there is such a policy: sts:GetFederationToken's resource has none.
                resource_must_allow=service.resource_must_allow and resource is not None,
            ),
        )

    def _call(self, name: str, operation_name: str, params: dict[str, Any], account: str, region: str) -> Any:
        if self.principal is not None:
            service = self.services[name]
            try:
                ctx = self._context(service, account, region)
                checks = service.operations.by_name[operation_name].checks
                for check in checks(ctx, params) if checks else ():
                    decision = self.decide(service, check, self.principal)
                    if not decision.allowed:
                        raise refusal(service.name, decision)
            except AwsError as error:
                parsed = {"Error": {"Code": error.code, "Message": error.message}, **error.fields}
                return SimpleNamespace(status_code=error.http_status), {
                    **parsed,
                    "ResponseMetadata": {"HTTPStatusCode": error.http_status},
                }
        http, parsed = super()._call(name, operation_name, params, account, region)
        operation = model_of(name).operation_model(operation_name)
        if http.status_code == HTTPStatus.OK:
            output = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            assert_fits(output, operation.output_shape, operation_name)
            assert over_the_wire(operation, output) == without_nothing(output)
        else:
            fields = {key: value for key, value in parsed.items() if key not in ("Error", "ResponseMetadata")}
            error = AwsError(
                parsed["Error"]["Code"],
                parsed["Error"]["Message"],
                http_status=http.status_code,
                fields=fields,
            )
            assert error_over_the_wire(operation, error) == (error.code, error.message, fields)
        return http, parsed

    def _context(self, service: Service[Any], account: str, region: str) -> Context[Any]:
        ctx = super()._context(service, account, region)
        if self.principal is None:
            return ctx
        return replace(ctx, principal=self.principal, account=self.principal.account)


@cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(botocore.loaders.create_loader().load_service_model(service, "service-2"), service)


def over_the_wire(operation: OperationModel, output: dict[str, Any]) -> dict[str, Any]:
    """What botocore reads from the response that Casemate writes."""
    protocol = operation.service_model.metadata["protocol"]
    response = serialize_output(operation, protocol, output, "00000000-0000-4000-8000-000000000000")
    parsed = create_parser(protocol).parse(
        {"status_code": response.status, "headers": dict(response.headers), "body": response.body},
        operation.output_shape,
    )
    return without_nothing({key: value for key, value in parsed.items() if key != "ResponseMetadata"})


def error_over_the_wire(operation: OperationModel, error: AwsError) -> tuple[str, str, dict[str, Any]]:
    protocol = operation.service_model.metadata["protocol"]
    response = serialize_error(operation.service_model, operation, protocol, error, "0" * 8)
    parsed = create_parser(protocol).parse(
        {"status_code": response.status, "headers": dict(response.headers), "body": response.body},
        operation.output_shape,
    )
    assert response.status == error.http_status
    shape = operation.service_model.shape_for_error_code(error.code)
    fields = {name: parsed[name] for name in error.fields} if not shape else {}
    if shape is not None:
        modelled = create_parser(protocol).parse(
            {"status_code": response.status, "headers": dict(response.headers), "body": response.body}, shape
        )
        fields = {name: modelled[name] for name in error.fields}
    return parsed["Error"]["Code"], parsed["Error"]["Message"], fields


def without_nothing(value: Any) -> Any:
    """Without members that are None or empty: the query protocol does not tell an empty list from none."""
    if isinstance(value, dict):
        kept = {key: without_nothing(member) for key, member in value.items()}
        return {key: member for key, member in kept.items() if member not in (None, [], {})}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def root_of(account: str) -> Principal:
    return Principal(
        kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{account}:root", account=account, user_id=account
    )


def assert_fits(value: Any, shape: Any, where: str) -> None:
    """The output has no member that botocore's model does not know, misses none it requires, and types fit."""
    if shape is None or value is None:
        assert not value, f"{where} gives {value}"
    elif shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        missing = {name for name in shape.required_members if value.get(name) is None} - {"UserName"}
        assert not unknown, f"{where}: unknown {unknown}"
        assert not missing, f"{where}: missing {missing}"
        for name, member in value.items():
            assert_fits(member, shape.members[name], f"{where}.{name}") if member is not None else None
    elif shape.type_name == "list":
        for item in value:
            assert_fits(item, shape.member, f"{where}[]")
    else:
        types = {
            "string": str,
            "timestamp": datetime,
            "boolean": bool,
            "integer": int,
            "long": int,
            "double": float,
            "map": dict,
            "blob": bytes,
        }
        assert isinstance(value, types[shape.type_name]), f"{where}: {value!r} is no {shape.type_name}"
