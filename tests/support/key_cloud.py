"""kms and dynamodb beside the identity services, authorized by the gateway's own Authorizer, under a clock that tests move."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.gateway.authorization import Authorizer, PolicySources, Situation, refusal
from casemate.gateway.context_keys import forwarded_keys, request_keys
from casemate.gateway.failures import KEY_BYTES, SealedMessages
from casemate.gateway.trail import event_of_call
from casemate.model.principals import Principal
from casemate.policy.decision import Decision
from casemate.policy.document import Policy
from casemate.servicekit.ports import ServiceCall
from casemate.servicekit.service import Check, Context, Service
from casemate.services import dynamodb, kms
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_memory import MemoryStorage
from tests.support.identity import WORKLOAD, IdentityCloud

REGION = "us-east-2"
SIMPLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@contextmanager
def refused(pattern: str) -> Iterator[None]:
    """Whatever is called inside must be refused, with a code and message in which `pattern` is found."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert re.search(pattern, f"{error['Code']}: {error['Message']}", re.DOTALL), error


class _NoEndpoints:
    def endpoint_policy(self, endpoint_id: str) -> Policy | None:
        raise AssertionError(endpoint_id)


class CallsKept:
    """Keeps calls between services as CloudTrail events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def called(self, call: ServiceCall) -> None:
        self.events.append(event_of_call(call))


class KeyCloud(IdentityCloud):
    """Calls are made as `principal`, the workload account's administrator unless changed."""

    def __init__(self) -> None:
        super().__init__()
        self.decisions: list[Decision] = []
        self.calls = CallsKept()
        self.storage = MemoryStorage()
        self.engine = TablesEngine(self.storage)
        self.kms = kms.build(
            self.store,
            master=b"m" * kms.MASTER_BYTES,
            clock=lambda: self.now,
            random_bytes=self.random_bytes,
            records=self.calls,
            principals=self.directory,
        )
        tables = dynamodb.build(self.store, self.engine, self.kms.keys)
        self.services |= {"kms": self.kms.service, "dynamodb": tables}
        self._authorizer = Authorizer(
            PolicySources(
                identities=self.directory,
                organization=self.organization,
                endpoints=_NoEndpoints(),
                services={one.operations.iam_prefix: one for one in self.services.values()},
                messages=SealedMessages(b"k" * KEY_BYTES),
            )
        )
        self.principal = self.administrator()

    def decide(self, service: Service[Any], check: Check, principal: Principal) -> Decision:
        self.keep(check)
        return self._authorizer.decide(self._situation(service, principal), check)

    def context(self, service: Service[Any]) -> Context[Any]:
        """What an operation is handed, for tests that call one themselves."""
        return self._context(service, WORKLOAD, REGION)

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def user(self, name: str, *statements: dict[str, Any], account: str = WORKLOAD) -> Principal:
        """A user who may do what the statements say."""
        caller, self.principal = self.principal, self.administrator(account)
        iam = self.client("iam", account=account)
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="granted", PolicyDocument=document)
        self.principal = caller
        found = self.directory.user(account, name)
        assert found is not None
        return found

    def _situation(
        self, service: Service[Any], principal: Principal, through: str | None = None
    ) -> Situation:
        keys = request_keys(region=REGION, now=self.now, tls=True, user_agent="")
        return Situation(
            service=service.name,
            region=REGION,
            principal=principal,
            origin=None,
            request=forwarded_keys(keys, through, principal) if through else keys,
        )

    def _context(self, service: Service[Any], account: str, region: str) -> Context[Any]:
        ctx = super()._context(service, account, region)

        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            self.keep(check)
            situation = self._situation(service, principal or ctx.principal, through)
            decision = self._authorizer.decide(situation, check)
            self.decisions.append(decision)
            if not decision.allowed:
                raise refusal(service.name, decision)

        return replace(ctx, authorize=authorize)
