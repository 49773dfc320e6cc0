"""Instances run commands in their subnet (X02), and what reaches them: N06, N07, N08. P08 with a real launch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import ROOT, Instance
from tests.support.private_table import PrivateTable, Vpc, policy, trust, unique

_SERVER = Path(__file__).parents[1] / "support" / "tcp_server.py"


class Shells:
    """Launches instances, and runs commands in them as a user does."""

    def __init__(self, world: PrivateTable) -> None:
        self.world = world
        self.ec2 = world.ec2
        images = self.ec2.describe_images(
            Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}]
        )["Images"]
        self.image = max(images, key=lambda each: each["CreationDate"])["ImageId"]

    def run(self, subnet: str, groups: list[str], **params: Any) -> dict[str, Any]:
        made = self.ec2.run_instances(
            ImageId=self.image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=groups,
            **params,
        )["Instances"][0]
        self.ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]])
        return self.described(made["InstanceId"])

    def described(self, instance_id: str) -> dict[str, Any]:
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def exec(
        self, instance_id: str, *argv: str, given: str = "", options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return in_instance(self.world.instance, instance_id, *argv, given=given, options=options)

    @contextmanager
    def talking(self, instance_id: str, *argv: str) -> Generator[Callable[[str], str]]:
        """A command that answers a line with a line."""
        command = exec_command(self.world.instance, instance_id, *argv)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            said, heard = process.stdin, process.stdout

            def ask(line: str) -> str:
                said.write(f"{line}\n")
                said.flush()
                return heard.readline().strip()

            yield ask
            said.close()
        assert process.returncode == 0

    def python(self, instance_id: str, source: str) -> Any:
        """What the program prints, which is JSON."""
        done = self.exec(instance_id, "python3", "-c", source)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def serve(self, subnet: str, group: str, text: str, *ports: int) -> dict[str, Any]:
        """An instance whose user data answers `text` on those ports."""
        script = f"#!/usr/bin/env python3\nPORTS, TEXT = {ports!r}, {text!r}\n{_SERVER.read_text()}"
        made = self.run(subnet, [group], UserData=script)
        wait = "until [ -e /root/serving ]; do sleep 0.02; done"
        assert self.exec(made["InstanceId"], "/bin/sh", "-c", wait).returncode == 0
        return made


def exec_command(running: Instance, instance_id: str, *argv: str, options: tuple[str, ...] = ()) -> list[str]:
    command = [sys.executable, "-m", "casemate.cli.main", "exec", "--data", str(running.data), *options]
    return [*command, instance_id, "--", *argv]


def in_instance(
    running: Instance, instance_id: str, *argv: str, given: str = "", options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        exec_command(running, instance_id, *argv, options=options),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


@pytest.fixture(scope="module")
def shells(world: PrivateTable) -> Shells:
    return Shells(world)


@pytest.fixture(scope="module")
def profile(world: PrivateTable) -> str:
    """An instance profile whose role may do anything with DynamoDB."""
    name = unique("web")
    world.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    granted = policy({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
    world.iam.put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=granted)
    world.iam.create_instance_profile(InstanceProfileName=name)
    world.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


def allow(world: PrivateTable, group: str, port: int, source: str) -> None:
    permission = {
        "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": source}],
    }  # fmt: skip
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])


def _tcp(port: int) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}


def _outcome(world: PrivateTable, function: str, address: str, port: int) -> str:
    answer = world.invoke(function, "connect", host=address, port=port)
    return "reached" if answer["ok"] else answer["error"]


@pytest.fixture(scope="module")
def private(world: PrivateTable) -> Vpc:
    """A VPC with two private subnets."""
    vpc = world.vpc()
    vpc.subnet("a")
    vpc.subnet("b")
    return vpc


def test_x02_instances_run_commands_in_their_subnet(shells: Shells, private: Vpc) -> None:
    made = shells.run(private.subnets["a"], [private.group()])
    instance = made["InstanceId"]
    done = shells.exec(instance, "/bin/sh", "-c", "hostname; cat; echo wrong >&2; exit 7", given="typed\n")
    address = made["PrivateIpAddress"]
    assert done.stdout == f"ip-{address.replace('.', '-')}\ntyped\n"
    assert (done.stderr, done.returncode) == ("wrong\n", 7)
    assert address.startswith("10.0.1.")
    seen = "import json, socket; it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); it.connect(('10.0.2.9', 9))"
    assert shells.python(instance, f"{seen}; print(json.dumps(it.getsockname()[0]))") == address
    told = shells.exec(instance, "nosuch", options=("--json",))
    assert json.loads(told.stdout) == {
        "stdout": "", "stderr": "nosuch: command not found\n", "exit_code": 127,
    }  # fmt: skip
    assert told.returncode == 127


def test_x02_an_instance_is_confined(shells: Shells, private: Vpc) -> None:
    instance = shells.run(private.subnets["a"], [private.group()])["InstanceId"]
    status = shells.exec(instance, "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    environment = shells.exec(instance, "env").stdout
    names = {line.split("=")[0] for line in environment.splitlines()}
    assert names <= {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "PATH",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "PWD",
    }
    data = shells.world.instance.data
    assert shells.exec(instance, "ls", str(data)).returncode != 0
    assert shells.exec(instance, "touch", "/etc/mine", "/usr/mine").returncode != 0
    processes = "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $each; echo; done"
    listed = shells.exec(instance, "/bin/sh", "-c", processes).stdout
    assert listed.split()[0] == "init"
    assert str(data) not in listed
    assert shells.exec(instance, "unshare", "-r", "true").returncode != 0
    assert shells.exec(instance, "/bin/sh", "-c", "kill -INT 1").returncode != 0
    assert (
        shells.exec(instance, "/bin/sh", "-c", "echo kept > /root/kept && cat /root/kept").stdout == "kept\n"
    )


def test_x02_life_of_an_instance(shells: Shells, private: Vpc) -> None:
    ec2 = shells.ec2
    script = "#!/bin/sh\necho started >> /root/log\necho on the console\n"
    made = shells.run(private.subnets["a"], [private.group()], UserData=script)
    instance = made["InstanceId"]
    shells.exec(instance, "/bin/sh", "-c", "until [ -e /root/log ]; do sleep 0.02; done")
    assert "on the console" in ec2.get_console_output(InstanceId=instance)["Output"]
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance])
    ec2.stop_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance])
    refused = shells.exec(instance, "true")
    assert refused.returncode == 1
    assert f"{instance} is stopped, not running; start it with" in refused.stderr
    assert shells.described(instance)["StateTransitionReason"].startswith("User initiated (")
    ec2.start_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    shells.exec(instance, "touch", "/tmp/gone")
    ec2.reboot_instances(InstanceIds=[instance])
    # User data ran at the first boot only; what is in memory is lost, what is on disk is not.
    assert shells.exec(instance, "cat", "/root/log").stdout == "started\n"
    assert shells.exec(instance, "ls", "/tmp").stdout == ""
    assert shells.described(instance)["PrivateIpAddress"] == made["PrivateIpAddress"]
    with pytest.raises(ClientError) as caught:
        ec2.delete_subnet(SubnetId=private.subnets["a"])
    assert caught.value.response["Error"]["Code"] == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance])
    interface = made["NetworkInterfaces"][0]["NetworkInterfaceId"]
    with pytest.raises(ClientError) as caught:
        ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    assert caught.value.response["Error"]["Code"] == "InvalidNetworkInterfaceID.NotFound"
    assert not (shells.world.instance.data / "instances" / instance).exists()


_TELL = """
import json, urllib.error, urllib.request
BASE = "http://169.254.169.254/latest/"
def ask(path, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(BASE + path, method=method, headers=named)) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code
token = ask("api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")
def tell(path):
    return ask("meta-data/" + path, X_aws_ec2_metadata_token=token)
"""


def test_x02_the_metadata_service_tells_an_instance_about_itself(
    shells: Shells, private: Vpc, profile: str
) -> None:
    made = shells.run(private.subnets["b"], [private.group()], IamInstanceProfile={"Name": profile})
    paths = ["instance-id", "local-ipv4", "mac", "placement/availability-zone", "iam/security-credentials/",
             "ami-id", "public-ipv4", "tags/instance/"]  # fmt: skip
    found = shells.python(
        made["InstanceId"],
        f"{_TELL}\n"
        f"answers = [tell(path) for path in {paths!r}]\n"
        "mac = tell('mac')\n"
        "answers.append(tell(f'network/interfaces/macs/{mac}/subnet-id'))\n"
        "document = ask('dynamic/instance-identity/document', X_aws_ec2_metadata_token=token)\n"
        "answers.append(json.loads(document)['instanceId'])\n"
        # Version 1, a token that is none, a lifetime that is too long, a proxy.
        "answers.append(ask('meta-data/instance-id'))\n"
        "answers.append(ask('meta-data/instance-id', X_aws_ec2_metadata_token='made-up'))\n"
        "answers.append(ask('api/token', 'PUT', X_aws_ec2_metadata_token_ttl_seconds='21601'))\n"
        "answers.append(ask('api/token', 'PUT', X_aws_ec2_metadata_token_ttl_seconds='60', X_Forwarded_For='1.2.3.4'))\n"
        "print(json.dumps(answers))",
    )
    interface = made["NetworkInterfaces"][0]
    assert found == [
        made["InstanceId"],
        made["PrivateIpAddress"],
        interface["MacAddress"],
        made["Placement"]["AvailabilityZone"],
        profile,
        shells.image,
        404,
        404,
        private.subnets["b"],
        made["InstanceId"],
        401,
        401,
        400,
        403,
    ]
    shells.ec2.modify_instance_metadata_options(
        InstanceId=made["InstanceId"], HttpTokens="optional", InstanceMetadataTags="enabled"
    )
    shells.ec2.create_tags(Resources=[made["InstanceId"]], Tags=[{"Key": "Name", "Value": "mine"}])
    relaxed = f"{_TELL}\nprint(json.dumps([ask('meta-data/instance-id'), tell('tags/instance/Name')]))"
    assert shells.python(made["InstanceId"], relaxed) == [made["InstanceId"], "mine"]
    shells.ec2.modify_instance_metadata_options(InstanceId=made["InstanceId"], HttpEndpoint="disabled")
    assert shells.python(made["InstanceId"], f"{_TELL}\nprint(json.dumps(token))") == 403


_READER = """
import boto3, sys
from botocore.exceptions import ClientError
client = boto3.client("dynamodb", "us-east-2")
for table in sys.stdin:
    try:
        print(client.get_item(TableName=table.strip(), Key={"id": {"S": "1"}})["Item"]["what"]["S"], flush=True)
    except ClientError as error:
        print(error.response["Error"]["Code"], flush=True)
"""


def test_x02_boto3_in_an_instance_finds_its_credentials(
    shells: Shells, world: PrivateTable, profile: str
) -> None:
    """Unmodified boto3 reads the table through the gateway endpoint, and its requests say which instance asks."""
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("a")
    vpc.endpoint("a")
    made = shells.run(subnet, [vpc.group()], IamInstanceProfile={"Name": profile})
    instance, address = made["InstanceId"], made["PrivateIpAddress"]
    # What must not be otherwise, and a value that it is not.
    sources = (
        (
            "StringNotEquals",
            "ec2:SourceInstanceARN",
            f"arn:aws:ec2:us-east-2:000000000000:instance/{instance}",
            "other",
        ),
        ("StringNotEquals", "aws:Ec2InstanceSourceVpc", vpc.vpc_id, "other"),
        ("NotIpAddress", "aws:Ec2InstanceSourcePrivateIPv4", address, "10.9.9.9"),
        ("NumericNotEquals", "ec2:RoleDelivery", "2.0", "1.0"),
    )
    with shells.talking(instance, "python3", "-c", _READER) as ask:
        assert ask(table) == "it"
        for operator, key, actual, other in sources:
            for value, expected in ((actual, "it"), (other, "AccessDeniedException")):
                deny = {
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {operator: {key: value}},
                }
                world.iam.put_role_policy(RoleName=profile, PolicyName="here", PolicyDocument=policy(deny))
                assert ask(table) == expected, key
    world.iam.delete_role_policy(RoleName=profile, PolicyName="here")


def test_n06_a_function_reaches_a_database_an_instance_and_a_cache_by_private_address(
    shells: Shells, world: PrivateTable, private: Vpc
) -> None:
    ports = {"database": 5432, "instance": 8080, "cache": 6379}
    asking = private.group(*map(_tcp, ports.values()))
    function = world.function(subnets=[private.subnets["a"]], groups=[asking])
    for name, port in ports.items():
        group = private.group()
        allow(world, group, port, asking)
        server = shells.serve(private.subnets["b"], group, name, port, port + 1)
        assert _outcome(world, function, server["PrivateIpAddress"], port) == "reached", name
        # By port: the server listens there too, and neither group lets it.
        assert _outcome(world, function, server["PrivateIpAddress"], port + 1) == "TimeoutError", name


def test_n07_egress_limited_to_one_port_blocks_every_other(
    shells: Shells, world: PrivateTable, private: Vpc
) -> None:
    group = private.group()
    world.ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    server = shells.serve(private.subnets["b"], group, "everything", 22, 80, 5432, 6379)
    limited = world.function(subnets=[private.subnets["a"]], groups=[private.group(_tcp(5432))])
    outcomes = {
        port: _outcome(world, limited, server["PrivateIpAddress"], port) for port in (22, 80, 5432, 6379)
    }
    assert outcomes == {22: "TimeoutError", 80: "TimeoutError", 5432: "reached", 6379: "TimeoutError"}


def test_n08_a_database_group_that_names_a_source_group_admits_it_and_nothing_else(
    shells: Shells, world: PrivateTable, private: Vpc
) -> None:
    asking, other, database = private.group(), private.group(), private.group()
    allow(world, database, 5432, asking)
    server = shells.serve(private.subnets["b"], database, "rows", 5432)
    address = server["PrivateIpAddress"]
    named = world.function(subnets=[private.subnets["a"]], groups=[asking])
    stranger = world.function(subnets=[private.subnets["a"]], groups=[other])
    assert _outcome(world, named, address, 5432) == "reached"
    assert _outcome(world, stranger, address, 5432) == "TimeoutError"
    neighbour = shells.run(private.subnets["b"], [other])["InstanceId"]
    connect = f"import socket; socket.create_connection(({address!r}, 5432), 1)"
    assert "TimeoutError" in shells.exec(neighbour, "python3", "-c", connect).stderr
    world.ec2.modify_instance_attribute(InstanceId=neighbour, Groups=[asking])
    assert shells.exec(neighbour, "python3", "-c", connect).returncode == 0


def test_p08_an_scp_forbids_launching_instances_of_a_type(
    shells: Shells, world: PrivateTable, private: Vpc
) -> None:
    deny = {"Sid": "SmallOnly", "Effect": "Deny", "Action": "ec2:RunInstances"}
    subnet, group = private.subnets["a"], private.group()
    by_type = {"StringNotEquals": {"ec2:InstanceType": "t3.micro"}}
    arn = "arn:aws:ec2:*:*:instance/*"
    scp = world.scp({**deny, "Resource": arn, "Condition": by_type})
    try:
        shells.run(subnet, [group])
        with pytest.raises(ClientError) as caught:
            shells.ec2.run_instances(
                ImageId=shells.image, InstanceType="m5.large", MinCount=1, MaxCount=1, SubnetId=subnet
            )
    finally:
        world.detach(scp)
    error = caught.value.response["Error"]
    assert error["Code"] == "UnauthorizedOperation"
    assert "ec2:RunInstances on resource: arn:aws:ec2:us-east-2:000000000000:instance/*" in error["Message"]
    assert "with an explicit deny in a service control policy" in error["Message"]
    assert "Encoded authorization failure message: " in error["Message"]


def test_x02_instances_survive_a_crash_of_everything(tmp_path: Path) -> None:
    descendants: set[int] = set()
    durable = Instance(tmp_path, "--dataplane", "kernel").start()
    try:
        shells = Shells(PrivateTable(durable))
        script = "#!/bin/sh\necho booted >> /root/boots\n"
        made = shells.run(shells.world.vpc().subnet("a"), [], UserData=script)["InstanceId"]
        wait = "until [ -e /root/boots ]; do sleep 0.02; done"
        assert shells.exec(made, "/bin/sh", "-c", wait).returncode == 0
        durable.kill()
        durable.start()
        assert _retried(durable, made, "cat", "/root/boots") == "booted\n"
        (helper,) = _helpers(durable)
        os.kill(helper, signal.SIGKILL)
        assert _retried(durable, made, "cat", "/root/boots") == "booted\n"
        assert durable.process is not None
        descendants = _descendants(durable.process.pid)
    finally:
        durable.stop()
    assert len(descendants) >= 3  # the helper, the machine's first process, process 1
    deadline = time.monotonic() + 5
    while (
        left := [pid for pid in descendants if Path("/proc", str(pid)).exists()]
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _retried(running: Instance, instance_id: str, *argv: str) -> str:
    """The machine is booted again in the background."""
    for _ in range(50):
        done = in_instance(running, instance_id, *argv)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr)


def _descendants(pid: int) -> set[int]:
    children = {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return children.union(*map(_descendants, children)) if children else set()


def _helpers(running: Instance) -> list[int]:
    """The network helper of the instance."""
    assert running.process is not None
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"kernel.helper" in Path("/proc", pid, "cmdline").read_bytes()]
