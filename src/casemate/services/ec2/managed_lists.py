"""Prefix lists: the customer's own and those AWS keeps for its services, seen alike."""

from __future__ import annotations

from ipaddress import ip_network

from casemate.model.network import PrefixList
from casemate.model.regions import SERVICE_PREFIX_LISTS, ServicePrefixList
from casemate.services.ec2 import errors
from casemate.services.ec2.records import ManagedPrefixList, Place
from casemate.services.ec2.state import Ec2State


def of_service(each: ServicePrefixList) -> PrefixList:
    """An AWS-managed list in the snapshot's terms."""
    return PrefixList(
        prefix_list_id=each.prefix_list_id,
        name=each.name,
        cidrs=each.cidrs,
        # What it counts as in a security group, however long it is. Source: VPC User Guide, "AWS-managed prefix list
        # weight": Amazon DynamoDB 1, Amazon S3 1.
        max_entries=1,
        aws_managed=True,
    )


AWS_LISTS: dict[str, PrefixList] = {
    each.prefix_list_id: of_service(each) for each in SERVICE_PREFIX_LISTS.values()
}
"""Of every Region."""


def of_customer(each: ManagedPrefixList) -> PrefixList:
    """A customer-managed list in the snapshot's terms."""
    return PrefixList(
        prefix_list_id=each.id,
        name=each.name,
        cidrs=tuple(ip_network(entry.cidr) for entry in each.entries),
        max_entries=each.max_entries,
    )


def service_lists(region: str) -> list[ServicePrefixList]:
    """The AWS-managed lists of a Region, by name."""
    found = [each for each in SERVICE_PREFIX_LISTS.values() if each.region == region]
    return sorted(found, key=lambda each: each.name)


def find_prefix_list(state: Ec2State, place: Place, list_id: str) -> PrefixList:
    """A list the caller can use here; AwsError InvalidPrefixListID.NotFound. AWS's of other Regions are not here."""
    for each in service_lists(place.region):
        if each.prefix_list_id == list_id:
            return of_service(each)
    own = state.prefix_lists.find(place, list_id)
    if own is None:
        raise errors.PREFIX_LIST.missing(list_id)
    return of_customer(own)
