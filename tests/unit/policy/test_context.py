"""Keys that the caller determines. Source: IAM User Guide, "AWS global condition context keys"."""

from __future__ import annotations

from tests.support.policy import anonymous, role, root, service, user

from casemate.policy.context import GLOBAL_KEYS, KeyType, key_info, principal_context


def test_a_role_session_has_the_roles_arn_and_no_username() -> None:
    keys = principal_context(
        role(tags={"team": "red"}, source_function_arn="arn:aws:lambda:us-east-2:1:function:f")
    )
    assert keys["aws:PrincipalArn"] == "arn:aws:iam::000000000000:role/orders-role"
    assert keys["aws:PrincipalType"] == "AssumedRole"
    assert keys["aws:PrincipalTag/team"] == "red"
    assert keys["lambda:SourceFunctionArn"] == "arn:aws:lambda:us-east-2:1:function:f"
    assert keys["aws:MultiFactorAuthPresent"] == "false"
    assert "aws:username" not in keys


def test_a_user_has_a_username_and_with_long_term_keys_no_mfa_key() -> None:
    keys = principal_context(user())
    assert keys["aws:username"] == "ann"
    assert keys["aws:PrincipalType"] == "User"
    assert "aws:MultiFactorAuthPresent" not in keys


def test_mfa_sets_its_age_and_presence() -> None:
    keys = principal_context(role(mfa_age_seconds=30))
    assert keys["aws:MultiFactorAuthAge"] == "30"
    assert keys["aws:MultiFactorAuthPresent"] == "true"


def test_a_root_user_is_of_type_account() -> None:
    keys = principal_context(root())
    assert keys["aws:PrincipalType"] == "Account"
    assert keys["aws:PrincipalArn"] == "arn:aws:iam::000000000000:root"


def test_a_service_is_known_by_its_service_name_alone() -> None:
    keys = principal_context(service())
    assert keys["aws:PrincipalIsAWSService"] == "true"
    assert keys["aws:PrincipalServiceName"] == "lambda.amazonaws.com"
    assert "aws:PrincipalArn" not in keys
    assert "aws:PrincipalAccount" not in keys


def test_an_anonymous_caller_has_no_account_and_no_arn() -> None:
    keys = principal_context(anonymous())
    assert keys == {
        "aws:PrincipalAccount": "anonymous",
        "aws:PrincipalType": "Anonymous",
        "aws:userid": "anonymous",
    }


def test_every_key_of_a_principal_is_in_the_table() -> None:
    principals = (role(tags={"a": "b"}, mfa_age_seconds=1), user(), root(), service(), anonymous())
    for principal in principals:
        for key, value in principal_context(principal).items():
            info = key_info(key)
            assert info is not None, key
            assert info.multi_valued is isinstance(value, tuple)


def test_keys_are_looked_up_without_regard_to_case() -> None:
    info = key_info("AWS:PRINCIPALTAG/Team")
    assert info is not None
    assert info.type is KeyType.STRING
    assert key_info("dynamodb:LeadingKeys") is None
    assert GLOBAL_KEYS["aws:SourceVpce"].type is KeyType.STRING
