"""Issue 3, "IPv6 where the kernel gives it": dual-stack subnets, functions and instances, out by an egress-only gateway."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.statements.test_instances import Shells
from tests.statements.test_network import times_out
from tests.statements.test_records import DELIVERY, flow_role, log_flows, records
from tests.support.private_table import PrivateTable, Vpc

pytestmark = pytest.mark.kernel


@dataclass(frozen=True, kw_only=True, slots=True)
class DualStack:
    """A VPC with an IPv6 block, one subnet with a part of it, and an egress-only internet gateway nobody routes to."""

    vpc: Vpc
    subnet: str
    block: str
    gateway: str

    def route(self, **target: str) -> None:
        self.vpc.ec2.create_route(
            RouteTableId=self.vpc.table("private"), DestinationIpv6CidrBlock="::/0", **target
        )


@pytest.fixture
def dual(world: PrivateTable) -> DualStack:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    made = world.ec2.associate_vpc_cidr_block(VpcId=vpc.vpc_id, AmazonProvidedIpv6CidrBlock=True)
    block = made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"].replace("::/56", "::/64")
    world.ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=block)
    gateway = world.ec2.create_egress_only_internet_gateway(VpcId=vpc.vpc_id)["EgressOnlyInternetGateway"]
    return DualStack(vpc=vpc, subnet=subnet, block=block, gateway=gateway["EgressOnlyInternetGatewayId"])


def test_a_function_reaches_kms_over_ipv6_by_an_egress_only_gateway(
    world: PrivateTable, dual: DualStack
) -> None:
    """And the service sees its IPv6 address, in the trail and in aws:SourceIp."""
    allowed = {
        "Effect": "Allow",
        "Action": "kms:ListAliases",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": dual.block}},
    }
    group = dual.vpc.group()
    function = world.function(subnets=[dual.subnet], groups=[group], role=world.role(allowed))
    world.lambda_.update_function_configuration(
        FunctionName=function,
        # kms.us-east-2.api.aws. The VPC gives IPv4 no way out: what arrives came over IPv6.
        Environment={"Variables": {"AWS_USE_DUALSTACK_ENDPOINT": "true"}},
        VpcConfig={"SubnetIds": [dual.subnet], "SecurityGroupIds": [group], "Ipv6AllowedForDualStack": True},
    )
    world.lambda_.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    call = {"service": "kms", "operation": "list_aliases"}
    assert times_out(world.invoke(function, "call", **call)), "no route"
    dual.route(EgressOnlyInternetGatewayId=dual.gateway)
    answer = world.invoke(function, "call", **call)
    assert answer["ok"], answer
    recorded = world.instance.ask(command="event", request_id=answer["request_id"])["json"]
    (interface,) = world.ec2.describe_network_interfaces(
        Filters=[{"Name": "ipv6-addresses.ipv6-address", "Values": [recorded["sourceIPAddress"]]}]
    )["NetworkInterfaces"]
    assert interface["InterfaceType"] == "lambda"


def test_instances_talk_over_ipv6_and_the_internet_begins_nothing(
    world: PrivateTable, dual: DualStack
) -> None:
    """And a flow log has what was let pass and what was not."""
    shells, group = Shells(world), dual.vpc.group()
    line = "${type} ${action} ${flow-direction} ${srcaddr} ${dstaddr} ${dstport}"
    _, log = log_flows(world, dual.vpc.vpc_id, flow_role(world, *DELIVERY), LogFormat=line)
    launched = [shells.run(dual.subnet, [group], Ipv6AddressCount=1) for _ in range(2)]
    one, other = launched
    try:
        ask = ("curl", "-s", "-o", "/dev/null", "--max-time", "1", "-w", "%{remote_ip}")
        there = f"http://[{other['Ipv6Address']}]:81/"
        assert shells.exec(one["InstanceId"], *ask, there).returncode == 28, "the group lets nothing in"
        permission = {
            "IpProtocol": "tcp",
            "FromPort": 81,
            "ToPort": 81,
            "Ipv6Ranges": [{"CidrIpv6": dual.block}],
        }
        world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        assert shells.exec(one["InstanceId"], *ask, there).returncode == 7, "refused: nobody listens"
        assert shells.exec(one["InstanceId"], *ask, "http://[2001:db8::7]/").returncode == 28, "no route"
        dual.route(EgressOnlyInternetGatewayId=dual.gateway)
        assert shells.exec(one["InstanceId"], *ask, "http://[2001:db8::7]/").stdout == "2001:db8::7"
        here, far = one["Ipv6Address"], other["Ipv6Address"]
        lines = records(world, log)
        assert ["IPv6", "REJECT", "ingress", here, far, "81"] in lines
        assert ["IPv6", "ACCEPT", "ingress", here, far, "81"] in lines, "once the group let it in"
        assert ["IPv6", "ACCEPT", "egress", here, "2001:db8::7", "80"] in lines
    finally:
        world.ec2.terminate_instances(InstanceIds=[each["InstanceId"] for each in launched])
