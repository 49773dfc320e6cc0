"""Instances with two interfaces in the kernel, the metadata service's hop limit, and instances that ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.statements.test_instances import Shells, allow, profile, shells
from tests.support.instance import ROOT
from tests.support.private_table import PrivateTable, Vpc, policy

__all__ = ["profile", "shells"]  # fixtures

_CONNECT = """
import json, socket
def source(own, host, port=8080):
    try:
        with socket.create_connection((host, port), timeout=2, source_address=(own, 0)) as it:
            return it.recv(64).decode() or "reached"
    except OSError as error:
        return type(error).__name__
"""


@pytest.fixture(scope="module")
def private(world: PrivateTable) -> Vpc:
    """A VPC with a private subnet."""
    vpc = world.vpc()
    vpc.subnet("a")
    return vpc


def test_x02_each_interface_of_an_instance_has_its_own_groups(shells: Shells, private: Vpc) -> None:
    """What an instance sends from its second address passes the second interface's groups, and they alone."""
    ec2, subnet = shells.ec2, private.subnets["a"]
    server_group, open_group, shut_group = private.group(), private.group(), private.group({})
    allow(shells.world, server_group, 8080, open_group)
    allow(shells.world, server_group, 8080, shut_group)
    server = shells.serve(subnet, server_group, "served", 8080)["PrivateIpAddress"]
    made = shells.run(subnet, [shut_group])
    instance, first = made["InstanceId"], made["PrivateIpAddress"]
    second = ec2.create_network_interface(SubnetId=subnet, Groups=[open_group])["NetworkInterface"]
    attached = ec2.attach_network_interface(
        NetworkInterfaceId=second["NetworkInterfaceId"], InstanceId=instance, DeviceIndex=1
    )
    other = second["PrivateIpAddress"]
    ask = f"{_CONNECT}\nprint(json.dumps([source({first!r}, {server!r}), source({other!r}, {server!r})]))"
    assert shells.python(instance, ask) == ["TimeoutError", "served"]
    # The devices are there, as Linux names them; the second goes when it is detached.
    devices = "import json, socket; print(json.dumps(sorted(name for _, name in socket.if_nameindex())))"
    assert shells.python(instance, devices) == ["eth0", "eth1", "lo"]
    ec2.detach_network_interface(AttachmentId=attached["AttachmentId"])
    assert shells.python(instance, devices) == ["eth0", "lo"]
    assert shells.python(instance, ask) == ["TimeoutError", "OSError"]


def test_x02_what_is_sent_to_a_second_interface_is_answered_from_it(shells: Shells, private: Vpc) -> None:
    ec2, subnet = shells.ec2, private.subnets["a"]
    shut, opened, asking = private.group(), private.group(), private.group()
    allow(shells.world, opened, 8080, asking)
    server = shells.serve(subnet, shut, "served", 8080)
    second = ec2.create_network_interface(SubnetId=subnet, Groups=[opened])["NetworkInterface"]
    ec2.attach_network_interface(
        NetworkInterfaceId=second["NetworkInterfaceId"], InstanceId=server["InstanceId"], DeviceIndex=1
    )
    asker = shells.run(subnet, [asking])
    own = asker["PrivateIpAddress"]
    one, two = server["PrivateIpAddress"], second["PrivateIpAddress"]
    ask = f"{_CONNECT}\nprint(json.dumps([source({own!r}, {one!r}), source({own!r}, {two!r})]))"
    assert shells.python(asker["InstanceId"], ask) == ["TimeoutError", "served"]


_IP_MINTTL = 21
"""ip(7): packets with a lower TTL are dropped. So a test sees how many hops an answer had left."""
_TOKEN = f"""
import json, socket
def token(least):
    it = socket.socket()
    it.settimeout(2)
    it.setsockopt(socket.IPPROTO_IP, {_IP_MINTTL}, least)
    it.connect(("169.254.169.254", 80))
    it.sendall(b"PUT /latest/api/token HTTP/1.1\\r\\nHost: metadata\\r\\nX-aws-ec2-metadata-token-ttl-seconds: 60\\r\\n\\r\\n")
    try:
        return it.recv(4096).split()[1].decode()
    except OSError as error:
        return type(error).__name__
"""


def test_x02_a_token_goes_no_further_than_the_hop_limit(shells: Shells, private: Vpc) -> None:
    """EC2 User Guide, "Configure the Instance Metadata Service options": the hop limit of the PUT response."""
    made = shells.run(private.subnets["a"], [private.group()], MetadataOptions={"HttpPutResponseHopLimit": 1})
    instance = made["InstanceId"]
    ask = f"{_TOKEN}\nprint(json.dumps([token(1), token(2)]))"
    assert shells.python(instance, ask) == ["200", "TimeoutError"]
    shells.ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)
    assert shells.python(instance, f"{_TOKEN}\nprint(json.dumps([token(2), token(3)]))") == [
        "200",
        "TimeoutError",
    ]


def _ask(world: PrivateTable, source: str, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casemate.cli.main", "explain", "--data", str(world.instance.data), "--json",
         "--from", source, "--to", target],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


def _explain(world: PrivateTable, source: str, target: str) -> dict[str, Any]:
    done = _ask(world, source, target)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_x02_an_instance_asks_and_the_answer_is_foretold(
    shells: Shells, world: PrivateTable, profile: str
) -> None:
    """`casemate explain --from i-...` says what boto3 in the instance then sees."""
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("a")
    made = shells.run(subnet, [vpc.group()], IamInstanceProfile={"Name": profile})
    instance = made["InstanceId"]
    read = (
        "import boto3, json\nfrom botocore.config import Config\nfrom botocore.exceptions import *\n"
        "config = Config(connect_timeout=1, retries={'total_max_attempts': 1})\n"
        "try:\n"
        f"    boto3.client('dynamodb', 'us-east-2', config=config).get_item(TableName={table!r}, Key={{'id': {{'S': '1'}}}})\n"
        "    print(json.dumps('allowed'))\n"
        "except ClientError as error: print(json.dumps(error.response['Error']['Code']))\n"
        "except BotoCoreError as error: print(json.dumps(type(error).__name__))"
    )
    target = f"dynamodb:{table}"
    assert _explain(world, instance, target)["outcome"] == "never arrives"
    assert shells.python(instance, read) == "ConnectTimeoutError"
    vpc.endpoint("a")
    assert _explain(world, instance, target)["outcome"] == "allowed"
    assert shells.python(instance, read) == "allowed"
    elsewhere = {"Effect": "Deny", "Action": "*", "Resource": "*",
                 "Condition": {"StringEquals": {"ec2:SourceInstanceARN":
                     f"arn:aws:ec2:us-east-2:000000000000:instance/{instance}"}}}  # fmt: skip
    world.iam.put_role_policy(RoleName=profile, PolicyName="not-here", PolicyDocument=policy(elsewhere))
    try:
        assert _explain(world, instance, target)["outcome"] == "refused"
        assert shells.python(instance, read) == "AccessDeniedException"
    finally:
        world.iam.delete_role_policy(RoleName=profile, PolicyName="not-here")


def test_x02_an_instance_without_a_role_can_be_asked_about_the_network_alone(
    shells: Shells, world: PrivateTable, private: Vpc
) -> None:
    instance = shells.run(private.subnets["a"], [private.group()])["InstanceId"]
    refused = _ask(world, instance, f"dynamodb:{world.table()}")
    assert refused.returncode == 1
    assert f"{instance} has no instance profile with a role" in refused.stderr
    assert _explain(world, instance, "name:sts.us-east-2.amazonaws.com")["outcome"] == "dropped"
    shells.ec2.stop_instances(InstanceIds=[instance])
    assert f"{instance} is stopped, not running" in _ask(world, instance, "name:example.com").stderr
    unknown = _ask(world, "i-0123456789abcdef0", "name:example.com")
    assert "has no instance i-0123456789abcdef0 in us-east-2" in unknown.stderr


def test_x02_an_instance_is_an_end_of_a_path(shells: Shells, private: Vpc) -> None:
    """Network Insights by instance id agrees with the packets between the two."""
    subnet = private.subnets["a"]
    group, asking = private.group(), private.group()
    server = shells.serve(subnet, group, "served", 8080)
    asker = shells.run(subnet, [asking])
    own, there = asker["PrivateIpAddress"], server["PrivateIpAddress"]
    end = server["NetworkInterfaces"][0]["NetworkInterfaceId"]
    path = shells.ec2.create_network_insights_path(
        Source=asker["InstanceId"], Destination=server["InstanceId"], Protocol="tcp", DestinationPort=8080
    )["NetworkInsightsPath"]

    def found() -> bool:
        started = shells.ec2.start_network_insights_analysis(
            NetworkInsightsPathId=path["NetworkInsightsPathId"]
        )
        analysis = started["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]
        (shown,) = shells.ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[analysis])[
            "NetworkInsightsAnalyses"
        ]
        if shown["NetworkPathFound"]:
            components = [each["Component"]["Id"] for each in shown["ForwardPathComponents"]]
            assert (components[0], components[-1]) == (asker["InstanceId"], end)
        return shown["NetworkPathFound"]

    ask = f"{_CONNECT}\nprint(json.dumps(source({own!r}, {there!r})))"
    assert (found(), shells.python(asker["InstanceId"], ask)) == (False, "TimeoutError")
    allow(shells.world, group, 8080, asking)
    assert (found(), shells.python(asker["InstanceId"], ask)) == (True, "served")
