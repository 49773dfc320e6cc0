"""What the metadata service tells of an instance, as directories and leaves.

Source: EC2 User Guide, "Instance metadata categories" and "Instance identity documents".
"""

from __future__ import annotations

import json

from casemate.services.ec2.instance_output import image_of
from casemate.services.ec2.interface_output import private_name, public_name
from casemate.services.ec2.records import Instance, Interface
from casemate.services.ec2.state import Ec2State

Tree = dict[str, "Tree | str"]


def categories(state: Ec2State, instance: Instance) -> Tree:
    """`meta-data/`, without `iam/`."""
    interfaces = state.interfaces_of(instance)
    if not interfaces:
        return {"instance-id": instance.id}
    first = interfaces[0]
    name = private_name(instance.region, first.primary.address)
    tree: Tree = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {
            "ami": image_of(instance).template.root_device,
            "root": image_of(instance).template.root_device,
        },
        "hostname": name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.kind,
        "local-hostname": name,
        "local-ipv4": first.primary.address,
        "mac": first.mac,
        "network": {"interfaces": {"macs": {each.mac: _interface(state, each) for each in interfaces}}},
        "placement": {
            "availability-zone": instance.zone,
            "availability-zone-id": instance.zone_id,
            "region": instance.region,
        },
        "profile": "default-hvm",
        "reservation-id": instance.reservation_id,
        "security-groups": "\n".join(_group_names(state, first)),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    public = first.primary.public
    if public is not None:
        tree["public-ipv4"] = public.public_ip
        if state.vpcs.get(instance, first.vpc_id).dns_hostnames:
            tree["public-hostname"] = public_name(instance.region, public.public_ip)
    key = next((each for each in state.key_pairs.all(instance) if each.name == instance.key_name), None)
    if key is not None:
        tree["public-keys"] = {"0": {"openssh-key": key.public_key}}
    if instance.metadata.tags == "enabled":
        tree["tags"] = {"instance": {**state.tags_of(instance, instance.id)}}
    return dict(sorted(tree.items()))


def _interface(state: Ec2State, interface: Interface) -> Tree:
    subnet = state.subnets.get(interface, interface.subnet_id)
    vpc = state.vpcs.get(interface, interface.vpc_id)
    assert interface.attachment is not None
    tree: Tree = {
        "device-number": str(interface.attachment.device_index),
        "interface-id": interface.id,
        "local-hostname": private_name(interface.region, interface.primary.address),
        "local-ipv4s": "\n".join(each.address for each in interface.addresses),
        "mac": interface.mac,
        "owner-id": interface.account,
        "security-group-ids": "\n".join(interface.groups),
        "security-groups": "\n".join(_group_names(state, interface)),
        "subnet-id": subnet.id,
        "subnet-ipv4-cidr-block": subnet.cidr,
        "vpc-id": vpc.id,
        "vpc-ipv4-cidr-block": vpc.cidrs[0],
        "vpc-ipv4-cidr-blocks": "\n".join(vpc.cidrs),
    }
    associated = {
        each.public.public_ip: each.address for each in interface.addresses if each.public is not None
    }
    if associated:
        tree["ipv4-associations"] = {**associated}
        tree["public-ipv4s"] = "\n".join(associated)
        tree["public-hostname"] = public_name(interface.region, next(iter(associated)))
    return dict(sorted(tree.items()))


def _group_names(state: Ec2State, interface: Interface) -> list[str]:
    return [state.groups.get(interface, each).name for each in interface.groups]


def dynamic(state: Ec2State, instance: Instance) -> Tree:
    """`dynamic/`: the instance identity document. It is not signed: nobody outside could verify it."""
    interfaces = state.interfaces_of(instance)
    document = {
        "accountId": instance.account,
        "architecture": image_of(instance).template.architecture,
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.kind,
        "kernelId": None,
        "pendingTime": instance.launched.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "privateIp": interfaces[0].primary.address if interfaces else instance.private_ip,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return {"instance-identity": {"document": json.dumps(document, indent=2)}}
