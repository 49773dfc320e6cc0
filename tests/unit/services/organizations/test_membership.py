from __future__ import annotations

from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud


def test_the_same_membership_comes_back_until_something_on_the_way_changes() -> None:
    cloud = IdentityCloud()
    client = cloud.client("organizations", account=MANAGEMENT)
    first = cloud.organization.membership(WORKLOAD)
    assert first is not None
    root = client.list_roots()["Roots"][0]["Id"]
    client.create_organizational_unit(ParentId=root, Name="elsewhere")
    assert cloud.organization.membership(WORKLOAD) is first
    content = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
    policy = client.create_policy(Name="n", Description="d", Type="SERVICE_CONTROL_POLICY", Content=content)[
        "Policy"
    ]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=policy, TargetId=root)
    second = cloud.organization.membership(WORKLOAD)
    assert second is not None
    assert [level.target_id for level in second.scps] == [root, WORKLOAD]
    assert second.scps[0].policies[0] is first.scps[0].policies[0]
    deny = second.scps[0].policies[1]
    client.update_policy(PolicyId=policy, Description="other")
    third = cloud.organization.membership(WORKLOAD)
    assert third is not None
    assert third.scps[0].policies[1] is deny
    client.update_policy(PolicyId=policy, Content=content.replace("s3:*", "sqs:*"))
    fourth = cloud.organization.membership(WORKLOAD)
    assert fourth is not None
    assert fourth.scps[0].policies[1] is not deny


def test_the_management_account_is_bound_by_nothing() -> None:
    membership = IdentityCloud().organization.membership(MANAGEMENT)
    assert membership is not None
    assert (membership.is_management, membership.scps, membership.rcps) == (True, (), ())


def test_accounts_outside() -> None:
    cloud = IdentityCloud()
    assert cloud.organization.membership("999999999999") is None
    assert not cloud.organization.account_exists("999999999999")
    root = cloud.client("organizations", account=MANAGEMENT).list_roots()["Roots"][0]["Id"]
    assert cloud.organization.membership(root) is None
    assert not cloud.organization.account_exists(root)
