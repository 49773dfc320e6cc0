from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud, root_of
from tests.support.refusals import refused

from casemate.model.principals import Principal

ROLE = f"arn:aws:iam::{WORKLOAD}:role/app/orders"
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal: Any, *actions: str, **more: Any) -> str:
    return document(
        {"Effect": "Allow", "Principal": principal, "Action": list(actions) or ["sts:AssumeRole"], **more}
    )


def make_role(
    cloud: IdentityCloud, trust: str, *, name: str = "orders", path: str = "/app/", **more: Any
) -> None:
    cloud.principal, before = None, cloud.principal
    cloud.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust, **more)
    cloud.principal = before


def as_session(cloud: IdentityCloud, credentials: dict[str, Any]) -> Principal:
    found = cloud.credential(credentials["AccessKeyId"])
    assert found is not None
    assert found.secret_access_key == credentials["SecretAccessKey"]
    assert found.session_token == credentials["SessionToken"]
    cloud.principal = found.principal
    return found.principal


def user(cloud: IdentityCloud, name: str, policy: str | None = None, **more: Any) -> Principal:
    """A user of the workload account that only has `policy`, as its key identifies it."""
    cloud.principal = None
    client = cloud.client("iam")
    client.create_user(UserName=name, **more)
    if policy is not None:
        client.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = client.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    found = cloud.credential(key)
    assert found is not None
    cloud.principal = found.principal
    return found.principal


def test_the_caller(cloud: IdentityCloud) -> None:
    bob = user(cloud, "bob", document({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    identity = cloud.client("sts").get_caller_identity()
    assert (identity["Arn"], identity["Account"], identity["UserId"]) == (bob.arn, WORKLOAD, bob.user_id)


def test_assuming_a_role(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}), Tags=[{"Key": "team", "Value": "a"}])
    answer = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{WORKLOAD}:assumed-role/orders/me"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert answer["Credentials"]["Expiration"] == cloud.now + timedelta(hours=1)
    assert answer["PackedPolicySize"] is None
    session = as_session(cloud, answer["Credentials"])
    assert cloud.client("sts").get_caller_identity()["Arn"] == session.arn
    assert session.user_id == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert (session.role_arn, session.identity_arn, session.tags) == (ROLE, ROLE, {"team": "a"})


@pytest.mark.parametrize(
    ("trust", "policy", "allowed"),
    [
        ({"AWS": WORKLOAD}, None, False),
        ({"AWS": WORKLOAD}, ALLOW_ALL, True),
        ({"AWS": f"arn:aws:iam::{WORKLOAD}:user/bob"}, None, True),
        ({"AWS": f"arn:aws:iam::{WORKLOAD}:user/bob"}, document(
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}), False),
        ({"AWS": MANAGEMENT}, ALLOW_ALL, False),
        ({"Service": "lambda.amazonaws.com"}, ALLOW_ALL, False),
    ],
    ids=[
        "an account in the trust policy delegates to identity policies, and there are none",
        "an account in the trust policy delegates to identity policies, which allow",
        "a user named in the trust policy of its own account needs no more",
        "an identity policy that denies decides",
        "another account is let in, not this one",
        "a service is let in, not this one",
    ],
)  # fmt: skip
def test_the_trust_policy_decides(
    cloud: IdentityCloud, trust: Any, policy: str | None, allowed: bool
) -> None:
    user(cloud, "bob", policy)
    make_role(cloud, trusting(trust))
    call = cloud.client("sts").assume_role
    if allowed:
        call(RoleArn=ROLE, RoleSessionName="me")
    else:
        refused(
            "AccessDenied",
            f"User: arn:aws:iam::{WORKLOAD}:user/bob is not authorized to perform: sts:AssumeRole on resource: {ROLE}",
            call,
            RoleArn=ROLE,
            RoleSessionName="me",
        )


def test_a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    missing = f"arn:aws:iam::{WORKLOAD}:role/no"
    refused(
        "AccessDenied",
        f"is not authorized to perform: sts:AssumeRole on resource: {missing}",
        cloud.client("sts").assume_role,
        RoleArn=missing,
        RoleSessionName="me",
    )


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("not-an-arn-at-all-but-long", "not-an-arn-at-all-but-long is invalid"),
        ("arn:aws:s3:::bucket-of-mine", "Request ARN is invalid"),
        (f"arn:aws:sts::{WORKLOAD}:federated-user/x", "Request ARN is invalid"),
        (f"arn:aws:iam::{WORKLOAD}:user/admin", "Request ARN is invalid"),
    ],
)
def test_only_roles_are_assumed(cloud: IdentityCloud, arn: str, message: str) -> None:
    cloud.principal = cloud.administrator()
    refused("ValidationError", message, cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="me")


def test_the_path_belongs_to_the_role_arn(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    refused(
        "AccessDenied",
        "not authorized",
        cloud.client("sts").assume_role,
        RoleArn=f"arn:aws:iam::{WORKLOAD}:role/orders",
        RoleSessionName="me",
    )


def test_another_account_needs_both_sides(cloud: IdentityCloud) -> None:
    make_role(cloud, trusting({"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}))
    cloud.principal = cloud.administrator(MANAGEMENT)
    answer = cloud.client("sts", account=MANAGEMENT).assume_role(RoleArn=ROLE, RoleSessionName="me")
    assert as_session(cloud, answer["Credentials"]).account == WORKLOAD


def test_the_external_id(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    make_role(cloud, trusting({"AWS": WORKLOAD}, Condition=condition))
    call = cloud.client("sts").assume_role
    refused("AccessDenied", "sts:AssumeRole", call, RoleArn=ROLE, RoleSessionName="me")
    refused("AccessDenied", "sts:AssumeRole", call, RoleArn=ROLE, RoleSessionName="me", ExternalId="wrong")
    call(RoleArn=ROLE, RoleSessionName="me", ExternalId="secret")


def test_root_assumes_no_role(cloud: IdentityCloud) -> None:
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    cloud.principal = root_of(WORKLOAD)
    refused(
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
        cloud.client("sts").assume_role,
        RoleArn=ROLE,
        RoleSessionName="me",
    )


def test_durations(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}), MaxSessionDuration=7200)
    call = cloud.client("sts").assume_role
    answer = call(RoleArn=ROLE, RoleSessionName="me", DurationSeconds=7200)
    assert answer["Credentials"]["Expiration"] == cloud.now + timedelta(hours=2)
    refused(
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        DurationSeconds=7201,
    )
    refused(
        "ValidationError",
        "Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or "
        "equal to 43200",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        DurationSeconds=43201,
    )
    refused("ValidationError", "roleSessionName", call, RoleArn=ROLE, RoleSessionName="a b")


def test_a_chained_role_lasts_an_hour(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}), MaxSessionDuration=7200)
    make_role(cloud, trusting({"AWS": ROLE}), name="second", MaxSessionDuration=7200)
    call = cloud.client("sts").assume_role
    as_session(cloud, call(RoleArn=ROLE, RoleSessionName="me")["Credentials"])
    second = ROLE.replace("orders", "second")
    call(RoleArn=second, RoleSessionName="me", DurationSeconds=3600)
    refused(
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        call,
        RoleArn=second,
        RoleSessionName="me",
        DurationSeconds=3601,
    )


def test_session_tags_need_their_own_permission_and_pass_on_when_transitive(cloud: IdentityCloud) -> None:
    both = ("sts:AssumeRole", "sts:TagSession")
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}), name="plain")
    make_role(cloud, trusting({"AWS": WORKLOAD}, *both), Tags=[{"Key": "Team", "Value": "role"}])
    make_role(cloud, trusting({"AWS": ROLE}, *both), name="second")
    make_role(cloud, trusting({"AWS": ROLE}), name="third")
    call = cloud.client("sts").assume_role
    tags = [{"Key": "team", "Value": "session"}, {"Key": "only", "Value": "here"}]
    plain = ROLE.replace("orders", "plain")
    refused("AccessDenied", "sts:TagSession", call, RoleArn=plain, RoleSessionName="me", Tags=tags)
    answer = call(RoleArn=ROLE, RoleSessionName="me", Tags=tags, TransitiveTagKeys=["team"])
    assert 0 < answer["PackedPolicySize"] < 5
    first = as_session(cloud, answer["Credentials"])
    assert first.tags == {"team": "session", "only": "here"}
    second = ROLE.replace("orders", "second")
    refused(
        "InvalidParameterValue",
        "conflicts with a transitive tag key from the calling session",
        call,
        RoleArn=second,
        RoleSessionName="me",
        Tags=[{"Key": "Team", "Value": "other"}],
    )
    third = ROLE.replace("orders", "third")
    refused("AccessDenied", "sts:TagSession", call, RoleArn=third, RoleSessionName="me")
    answer = call(RoleArn=second, RoleSessionName="me")
    assert as_session(cloud, answer["Credentials"]).tags == {"team": "session"}


def test_wrong_session_tags(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:*"))
    call = cloud.client("sts").assume_role
    refused(
        "InvalidParameterValue",
        "Duplicate tag keys",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}],
    )
    refused(
        "InvalidParameterValue",
        "transitive tag key must be included",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        TransitiveTagKeys=["a"],
    )


def test_the_source_identity_stays_through_the_chain(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:AssumeRole", "sts:SetSourceIdentity"))
    make_role(cloud, trusting({"AWS": ROLE}, "sts:AssumeRole", "sts:SetSourceIdentity"), name="second")
    make_role(cloud, trusting({"AWS": ROLE}), name="third")
    call = cloud.client("sts").assume_role
    answer = call(RoleArn=ROLE, RoleSessionName="me", SourceIdentity="alice")
    assert answer["SourceIdentity"] == "alice"
    as_session(cloud, answer["Credentials"])
    third, second = ROLE.replace("orders", "third"), ROLE.replace("orders", "second")
    refused("AccessDenied", "sts:SetSourceIdentity", call, RoleArn=third, RoleSessionName="me")
    refused(
        "AccessDenied", "source identity", call, RoleArn=second, RoleSessionName="me", SourceIdentity="eve"
    )
    answer = call(RoleArn=second, RoleSessionName="me")
    assert answer["SourceIdentity"] == "alice"
    assert as_session(cloud, answer["Credentials"]).source_identity == "alice"


def test_a_session_takes_ten_managed_policies_at_most(cloud: IdentityCloud) -> None:
    """IAM User Guide, "Session policies"."""
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    names = ["AmazonS3ReadOnlyAccess", "AmazonEC2ReadOnlyAccess", "IAMReadOnlyAccess", "ReadOnlyAccess"]
    arns = [{"arn": f"arn:aws:iam::aws:policy/{names[number % 4]}"} for number in range(11)]
    call = cloud.client("sts").assume_role
    call(RoleArn=ROLE, RoleSessionName="me", PolicyArns=arns[:10])
    refused("ValidationError", "limit of 10", call, RoleArn=ROLE, RoleSessionName="me", PolicyArns=arns)


def test_managed_session_policies_are_of_the_roles_account(cloud: IdentityCloud) -> None:
    """STS API Reference, AssumeRole, PolicyArns; AWS's own serve every account."""
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    iam = cloud.client("iam")
    own = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    call = cloud.client("sts").assume_role
    call(RoleArn=ROLE, RoleSessionName="me", PolicyArns=[{"arn": own}])
    cloud.principal = cloud.administrator(MANAGEMENT)
    made = cloud.client("iam", account=MANAGEMENT).create_policy(PolicyName="p", PolicyDocument=ALLOW_ALL)
    cloud.principal = cloud.administrator()
    refused(
        "ValidationError",
        "does not exist or is not attachable",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        PolicyArns=[{"arn": made["Policy"]["Arn"]}],
    )


def test_a_role_takes_the_place_of_its_callers_permissions(cloud: IdentityCloud) -> None:
    """IAM User Guide, "Permissions for AssumeRole": the policies of who assumed it are not evaluated any more."""
    make_role(cloud, trusting({"AWS": f"arn:aws:iam::{WORKLOAD}:user/bob"}))
    allow = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    cloud.client("iam").put_role_policy(RoleName="orders", PolicyName="p", PolicyDocument=allow)
    user(
        cloud,
        "bob",
        document(
            {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"},
        ),
    )
    as_session(cloud, cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me")["Credentials"])
    cloud.client("iam").list_users()
    refused("AccessDenied", "no identity-based policy allows", cloud.client("iam").list_roles)


def test_no_policy_keeps_a_user_from_a_session_token(cloud: IdentityCloud) -> None:
    """IAM User Guide, "Permissions for GetSessionToken": the action in a policy "has no effect"."""
    user(cloud, "bob", document({"Effect": "Deny", "Action": "sts:*", "Resource": "*"}))
    assert cloud.client("sts").get_session_token()["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_session_policies_narrow(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    cloud.client("iam").put_role_policy(RoleName="orders", PolicyName="p", PolicyDocument=ALLOW_ALL)
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    policy = document({"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"})
    call = cloud.client("sts").assume_role
    answer = call(RoleArn=ROLE, RoleSessionName="me", Policy=policy, PolicyArns=[{"arn": arn}])
    assert 0 < answer["PackedPolicySize"] < 20
    administrator = cloud.principal
    session = as_session(cloud, answer["Credentials"])
    assert len(session.session_policies) == 2
    cloud.client("iam").get_role(RoleName="orders")
    refused("AccessDenied", "no session policy allows", cloud.client("iam").list_users)
    cloud.principal = administrator
    refused(
        "MalformedPolicyDocument", "", call, RoleArn=ROLE, RoleSessionName="me", Policy='{"Version": "x"}'
    )
    long = document({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "x" * 2048})
    refused("PackedPolicyTooLarge", "smaller policy", call, RoleArn=ROLE, RoleSessionName="me", Policy=long)
    refused(
        "ValidationError",
        "does not exist",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}],
    )


def test_a_session_dies_with_its_role(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    answer = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="me")
    key = answer["Credentials"]["AccessKeyId"]
    assert cloud.credential(key) is not None
    assert cloud.credential(key) is cloud.credential(key)
    cloud.principal = None
    cloud.client("iam").delete_role(RoleName="orders")
    assert cloud.credential(key) is None
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    assert cloud.credential(key) is None


def test_expired_sessions_are_known_for_a_day(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    call = cloud.client("sts").assume_role
    key = call(RoleArn=ROLE, RoleSessionName="me")["Credentials"]["AccessKeyId"]
    cloud.now += timedelta(hours=2)
    call(RoleArn=ROLE, RoleSessionName="me")
    found = cloud.credential(key)
    assert found is not None
    assert found.expires is not None
    assert found.expires < cloud.now
    cloud.now += timedelta(days=2)
    call(RoleArn=ROLE, RoleSessionName="me")
    assert cloud.credential(key) is None


def test_get_session_token(cloud: IdentityCloud) -> None:
    bob = user(cloud, "bob")
    call = cloud.client("sts").get_session_token
    answer = call(DurationSeconds=900)
    assert answer["Credentials"]["Expiration"] == cloud.now + timedelta(seconds=900)
    session = as_session(cloud, answer["Credentials"])
    assert session == replace(bob, access_key_id=session.access_key_id, token_issued=cloud.now)
    refused("AccessDenied", "Cannot call GetSessionToken with session credentials", call)
    cloud.principal = root_of(WORKLOAD)
    answer = call(DurationSeconds=36000)
    assert answer["Credentials"]["Expiration"] == cloud.now + timedelta(hours=1)
    assert as_session(cloud, answer["Credentials"]).arn == f"arn:aws:iam::{WORKLOAD}:root"


def test_get_federation_token(cloud: IdentityCloud) -> None:
    user(cloud, "bob", ALLOW_ALL, Tags=[{"Key": "team", "Value": "a"}])
    bob = cloud.principal
    call = cloud.client("sts").get_federation_token
    policy = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    answer = call(Name="fed", Policy=policy, Tags=[{"Key": "x", "Value": "1"}])
    assert answer["FederatedUser"] == {
        "FederatedUserId": f"{WORKLOAD}:fed",
        "Arn": f"arn:aws:sts::{WORKLOAD}:federated-user/fed",
    }
    session = as_session(cloud, answer["Credentials"])
    assert session.tags == {"team": "a", "x": "1"}
    cloud.client("iam").list_users()
    refused("AccessDenied", "no session policy allows", cloud.client("iam").list_roles)
    cloud.principal = bob
    as_session(cloud, call(Name="fed")["Credentials"])
    refused("AccessDenied", "iam:ListUsers", cloud.client("iam").list_users)
    refused("AccessDenied", "Cannot call GetFederationToken with session credentials", call, Name="fed")


def test_get_federation_token_needs_permission(cloud: IdentityCloud) -> None:
    user(cloud, "bob")
    refused(
        "AccessDenied",
        f"sts:GetFederationToken on resource: arn:aws:sts::{WORKLOAD}:federated-user/fed",
        cloud.client("sts").get_federation_token,
        Name="fed",
    )


def test_access_key_info(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator(MANAGEMENT)
    key = cloud.principal.access_key_id
    assert key is not None
    assert cloud.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == MANAGEMENT
    refused(
        "ValidationError",
        "AKIAIOSFODNN7EXAMPLE",
        cloud.client("sts").get_access_key_info,
        AccessKeyId="AKIAIOSFODNN7EXAMPLE",
    )


def test_what_is_not_there_is_refused_plainly(client: Any) -> None:
    refused(
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account",
        client.assume_role_with_web_identity,
        RoleArn=ROLE,
        RoleSessionName="me",
        WebIdentityToken="token",
    )
    refused(
        "InvalidIdentityToken",
        "provider",
        client.assume_role_with_saml,
        RoleArn=ROLE,
        PrincipalArn=f"arn:aws:iam::{WORKLOAD}:saml-provider/x",
        SAMLAssertion="abcd",
    )
    refused(
        "InvalidAuthorizationMessageException",
        "not an encoded authorization message of this account",
        client.decode_authorization_message,
        EncodedMessage="x",
    )
    refused(
        "AccessDenied",
        "MultiFactorAuthentication failed",
        client.get_session_token,
        SerialNumber="arn:aws:iam::000000000000:mfa/x",
        TokenCode="123456",
    )
