"""Environment variables under a customer managed key: who may set them, who reads them, and when the function starts.

Source: Lambda Developer Guide, "Securing Lambda environment variables" and "Troubleshoot invocation issues in Lambda".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable, policy, unique, zipped

pytestmark = pytest.mark.kernel
SOURCE = "import os\ndef handler(event, context):\n    return os.environ['SECRET']\n"
DENY = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}


@dataclass
class Vault:
    """A key, and a function whose variables are under it; its role has no permission on KMS at all."""

    world: PrivateTable
    kms: Any
    key: str
    role: str
    function: str

    def invoke(self) -> Any:
        return json.loads(self.world.lambda_.invoke(FunctionName=self.function)["Payload"].read())

    def refused(self) -> tuple[str, str]:
        """What the next cold start is refused with."""
        self.world.lambda_.update_function_configuration(
            FunctionName=self.function, Description=unique("cold")
        )
        with pytest.raises(ClientError) as refused:
            self.world.lambda_.invoke(FunctionName=self.function)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
        return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]

    def grants(self) -> list[Any]:
        return self.kms.list_grants(KeyId=self.key)["Grants"]


def make(world: PrivateTable, lambda_: Any = None, **params: Any) -> Vault:
    kms = world.instance.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    role = world.role({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}, managed="")
    name = unique("secret")
    values: dict[str, Any] = {
        "FunctionName": name, "Runtime": "python3.12", "Role": role, "Handler": "m.handler",
        "Code": {"ZipFile": zipped({"m.py": SOURCE})}, "Timeout": 10,
        "Environment": {"Variables": {"SECRET": "swordfish"}}, "KMSKeyArn": key,
    }  # fmt: skip
    (lambda_ or world.lambda_).create_function(**(values | params))
    return Vault(world, kms, key, role, name)


@pytest.fixture
def vault(world: PrivateTable) -> Vault:
    return make(world)


def user(world: PrivateTable, *statements: dict[str, Any]) -> Any:
    """A client of somebody who may do what the statements say."""
    name = unique("user")
    world.iam.create_user(UserName=name)
    world.iam.put_user_policy(UserName=name, PolicyName="granted", PolicyDocument=policy(*statements))
    made = world.iam.create_access_key(UserName=name)["AccessKey"]
    credentials = {**made, "SessionToken": None}
    return world.instance.client("lambda", credentials=credentials)


def test_the_roles_grant_opens_the_variables_until_it_is_revoked(vault: Vault) -> None:
    assert vault.invoke() == "swordfish"
    (grant,) = vault.grants()
    arn = f"arn:aws:lambda:{REGION}:{WORKLOAD}:function:{vault.function}"
    assert (grant["GranteePrincipal"], "Decrypt" in grant["Operations"]) == (vault.role, True)
    assert grant["Constraints"] == {"EncryptionContextEquals": {"aws:lambda:FunctionArn": arn}}
    vault.kms.revoke_grant(KeyId=vault.key, GrantId=grant["GrantId"])
    code, message = vault.refused()
    assert code == "KMSAccessDeniedException"
    assert message.startswith(
        "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the "
        "function's KMS key settings. KMS Exception: AccessDeniedExceptionKMS Message: User: arn:aws:sts::"
    )
    assert f"is not authorized to perform: kms:Decrypt on resource: {vault.key}" in message


def test_what_lambda_asks_of_the_key_is_on_record(vault: Vault) -> None:
    """CloudTrail User Guide, "CloudTrail userIdentity element": `invokedBy`, of requests that a service makes for somebody."""
    assert vault.invoke() == "swordfish"
    attribute = {"AttributeKey": "ResourceName", "AttributeValue": vault.key}
    found = vault.world.instance.client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    events = [json.loads(one["CloudTrailEvent"]) for one in reversed(found)]
    assert [one["eventName"] for one in events] == ["Encrypt", "CreateGrant", "Decrypt"]
    assert {one["userIdentity"]["invokedBy"] for one in events} == {"lambda.amazonaws.com"}
    identities = [one["userIdentity"]["arn"].split(":", 5)[5].split("/")[0] for one in events]
    assert identities == ["user", "user", "assumed-role"]
    assert events[1]["requestParameters"]["granteePrincipal"] == vault.role
    assert "swordfish" not in json.dumps(events)
    shown = vault.world.instance.ask(command="event", request_id=events[2]["requestID"])
    assert "Decrypt" in shown["text"]


def test_an_explicit_denial_beats_the_grant(vault: Vault) -> None:
    name = vault.role.rpartition("/")[2]
    vault.world.iam.put_role_policy(RoleName=name, PolicyName="no", PolicyDocument=policy(DENY))
    code, message = vault.refused()
    assert code == "KMSAccessDeniedException"
    assert "with an explicit deny" in message


def test_another_role_gets_a_grant_of_its_own_and_the_end_of_the_function_ends_it(vault: Vault) -> None:
    other = vault.world.role(managed="")
    vault.world.lambda_.update_function_configuration(FunctionName=vault.function, Role=other)
    assert [grant["GranteePrincipal"] for grant in vault.grants()] == [other]
    assert vault.invoke() == "swordfish"
    vault.world.lambda_.delete_function(FunctionName=vault.function)
    assert vault.grants() == []


def test_a_key_that_is_disabled_or_to_be_deleted_keeps_the_function_from_starting(vault: Vault) -> None:
    vault.kms.disable_key(KeyId=vault.key)
    assert vault.refused() == (
        "KMSDisabledException",
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the "
        "function's KMS key settings.",
    )
    vault.kms.schedule_key_deletion(KeyId=vault.key, PendingWindowInDays=7)
    assert vault.refused()[0] == "KMSInvalidStateException"


def test_who_may_not_decrypt_manages_the_function_without_seeing_its_variables(vault: Vault) -> None:
    client = user(vault.world, {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})
    changed = client.update_function_configuration(FunctionName=vault.function, Description="mine")
    shown = client.get_function_configuration(FunctionName=vault.function)
    for answer in (changed, shown):
        error = answer["Environment"]["Error"]
        assert "Variables" not in answer["Environment"]
        assert error["ErrorCode"] == "AccessDeniedException"
        assert error["Message"].startswith(
            "Lambda was unable to decrypt your environment variables because the KMS access was denied. Please check "
            "your KMS permissions. KMS Exception: AccessDeniedException KMS Message: User: "
        )
    assert shown["Description"] == "mine"
    assert client.invoke(FunctionName=vault.function)["Payload"].read() == b'"swordfish"'
    seen = vault.world.lambda_.get_function(FunctionName=vault.function)["Configuration"]["Environment"]
    assert seen == {"Variables": {"SECRET": "swordfish"}}


@pytest.mark.parametrize("key", ["none", "their own"])
def test_who_may_not_decrypt_does_not_get_them_out_from_under_the_key(vault: Vault, key: str) -> None:
    """Source: "Securing Lambda environment variables", kms:Decrypt is needed to view and manage them."""
    other = "" if key == "none" else vault.kms.create_key()["KeyMetadata"]["Arn"]
    thief = user(
        vault.world,
        {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:*", "Resource": other or vault.role},
    )
    with pytest.raises(ClientError) as refused:
        thief.update_function_configuration(FunctionName=vault.function, KMSKeyArn=other)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    shown = thief.get_function_configuration(FunctionName=vault.function)
    assert "Variables" not in shown["Environment"]
    replaced = thief.update_function_configuration(
        FunctionName=vault.function, KMSKeyArn=other, Environment={"Variables": {"SECRET": "mine"}}
    )
    assert replaced["Environment"]["Variables"] == {"SECRET": "mine"}
    owner = make(vault.world)
    owner.world.lambda_.update_function_configuration(FunctionName=owner.function, KMSKeyArn="")
    assert owner.invoke() == "swordfish"


@pytest.mark.parametrize("action", ["kms:Encrypt", "kms:CreateGrant"])
def test_who_sets_variables_under_a_key_must_be_allowed_to_use_it(world: PrivateTable, action: str) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client = user(world, everything, {"Effect": "Deny", "Action": action, "Resource": "*"})
    with pytest.raises(ClientError) as refused:
        make(world, client)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    message = refused.value.response["Error"]["Message"]
    assert message.startswith(
        "Lambda was unable to configure access to your environment variables because the KMS"
    )
    assert action in message


def test_an_alias_is_no_key(world: PrivateTable) -> None:
    with pytest.raises(ClientError) as refused:
        make(world, KMSKeyArn=f"arn:aws:kms:{REGION}:{WORKLOAD}:alias/mine")
    assert refused.value.response["Error"]["Message"] == (
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
        "CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: Key Aliases are "
        "not supported for this operation."
    )
