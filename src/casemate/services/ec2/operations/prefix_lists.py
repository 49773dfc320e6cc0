"""Prefix lists: AWS's own of the Region, and the customer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from casemate.model.regions import ServicePrefixList
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.cidrs import ipv4_network, ipv6_network
from casemate.services.ec2.managed_lists import find_prefix_list, service_lists
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.permissions import check_quota
from casemate.services.ec2.records import ManagedPrefixList, PrefixEntry
from casemate.services.ec2.registry import Ctx, on, operation, remember, replayed, required
from casemate.services.ec2.state import Ec2State

_LIST = (on("prefix-list", "PrefixListId"),)
MANAGED_FILTERS = {
    "owner-id": "OwnerId",
    "prefix-list-id": "PrefixListId",
    "prefix-list-name": "PrefixListName",
}
SERVICE_FILTERS = {"prefix-list-id": "PrefixListId", "prefix-list-name": "PrefixListName"}


def _aws_output(each: ServicePrefixList) -> Rendered:
    return {
        "PrefixListId": each.prefix_list_id,
        "PrefixListName": each.name,
        "PrefixListArn": f"arn:aws:ec2:{each.region}:aws:prefix-list/{each.prefix_list_id}",
        "AddressFamily": "IPv4",
        "State": "create-complete",
        "OwnerId": "AWS",
        "Tags": [],
    }


def _own_output(state: Ec2State, each: ManagedPrefixList) -> Rendered:
    return {
        "PrefixListId": each.id,
        "PrefixListName": each.name,
        "PrefixListArn": f"arn:aws:ec2:{each.region}:{each.account}:prefix-list/{each.id}",
        "AddressFamily": each.family,
        "State": each.state,
        "MaxEntries": each.max_entries,
        "Version": each.version,
        "OwnerId": each.account,
        "Tags": tags.rendered(state, each, each.id),
    }


def _chosen(outputs: list[Rendered], ids: Sequence[str] | None) -> list[Rendered]:
    if not ids:
        return outputs
    by_id = {each["PrefixListId"]: each for each in outputs}
    missing = next((each for each in ids if each not in by_id), None)
    if missing is not None:
        raise errors.PREFIX_LIST.missing(missing)
    return [by_id[each] for each in dict.fromkeys(ids)]


@operation("DescribePrefixLists")
def describe_prefix_lists(ctx: Ctx, params: Params) -> Output:
    """AWS services' lists only, with their blocks."""
    outputs: list[Rendered] = [
        {
            "PrefixListId": each.prefix_list_id,
            "PrefixListName": each.name,
            "Cidrs": [str(cidr) for cidr in each.cidrs],
        }
        for each in service_lists(ctx.region)
    ]
    chosen = _chosen(outputs, params.get("PrefixListIds"))
    return paged(filtered(chosen, params, SERVICE_FILTERS), params, "PrefixLists", smallest=1)


@operation("DescribeManagedPrefixLists")
def describe_managed_prefix_lists(ctx: Ctx, params: Params) -> Output:
    outputs = [_aws_output(each) for each in service_lists(ctx.region)]
    outputs += [_own_output(ctx.state, each) for each in ctx.state.prefix_lists.all(ctx)]
    chosen = _chosen(outputs, params.get("PrefixListIds"))
    return paged(filtered(chosen, params, MANAGED_FILTERS), params, "PrefixLists", smallest=1, largest=100)


@operation("GetManagedPrefixListEntries", on=_LIST)
def get_managed_prefix_list_entries(ctx: Ctx, params: Params) -> Output:
    list_id = required(params, "PrefixListId")
    own = ctx.state.prefix_lists.find(ctx, list_id)
    if own is None:
        cidrs = find_prefix_list(ctx.state, ctx, list_id).cidrs
        return paged([{"Cidr": str(cidr)} for cidr in cidrs], params, "Entries", smallest=1, largest=100)
    version = params.get("TargetVersion") or own.version
    entries = own.versions.get(str(version))
    if entries is None:
        raise errors.prefix_list_version(list_id, version)
    outputs: list[Rendered] = [
        {"Cidr": each.cidr, "Description": each.description or None} for each in entries
    ]
    return paged(outputs, params, "Entries", smallest=1, largest=100)


def _entries(family: str, given: Sequence[Mapping[str, Any]]) -> tuple[PrefixEntry, ...]:
    parse = ipv4_network if family == "IPv4" else ipv6_network
    made: dict[str, PrefixEntry] = {}
    for each in given:
        cidr = str(parse(str(each.get("Cidr")), "cidr"))
        if cidr in made:
            raise errors.invalid_value(f"The CIDR {cidr} appears more than once in the request.")
        made[cidr] = PrefixEntry(cidr=cidr, description=str(each.get("Description") or ""))
    return tuple(made.values())


@operation("CreateManagedPrefixList", creates=("prefix-list",))
def create_managed_prefix_list(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    known = state.prefix_lists.find(ctx, replayed(ctx, "CreateManagedPrefixList", params) or "")
    if known is None:
        name, family = required(params, "PrefixListName"), required(params, "AddressFamily")
        if name.startswith("com.amazonaws"):
            raise errors.invalid_value("The prefix list name cannot start with com.amazonaws.")
        if family not in {"IPv4", "IPv6"}:
            raise errors.bad_value(family, "addressFamily", "Accepted values are IPv4 and IPv6.")
        size = params.get("MaxEntries")
        if size is None:
            raise errors.missing_parameter("maxEntries")
        entries = _entries(family, params.get("Entries") or ())
        if not 1 <= size <= 1000 or len(entries) > size:
            raise errors.prefix_list_size(len(entries), size)
        if len(state.prefix_lists.all(ctx)) >= state.quotas.prefix_lists:
            raise errors.limit("PrefixListLimitExceeded", "prefix lists")
        labels = tags.specified(params, "prefix-list")
        known = state.prefix_lists.put(
            ManagedPrefixList(
                id=ctx.new_id("pl"),
                account=ctx.account,
                region=ctx.region,
                name=name,
                family=family,
                max_entries=size,
                versions={"1": entries},
            )
        )
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "CreateManagedPrefixList", params, known.id)
    return {"PrefixList": {**_own_output(state, known), "State": "create-in-progress"}}


def _own(ctx: Ctx, params: Params) -> ManagedPrefixList:
    list_id = required(params, "PrefixListId")
    own = ctx.state.prefix_lists.find(ctx, list_id)
    if own is None:
        find_prefix_list(ctx.state, ctx, list_id)
        raise errors.aws_prefix_list(list_id)
    return own


@operation("ModifyManagedPrefixList", on=_LIST)
def modify_managed_prefix_list(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    own = _own(ctx, params)
    added, removed = params.get("AddEntries") or (), params.get("RemoveEntries") or ()
    version = params.get("CurrentVersion")
    if (added or removed) and version is None:
        raise errors.missing_parameter("currentVersion")
    if version is not None and version != own.version:
        raise errors.prefix_list_version_mismatch(own.id, version)
    changed = replace(
        own,
        name=params.get("PrefixListName") or own.name,
        max_entries=params.get("MaxEntries") or own.max_entries,
        state="modify-complete",
    )
    if added or removed:
        current = {each.cidr: each for each in own.entries}
        for gone in _entries(own.family, removed):
            if current.pop(gone.cidr, None) is None:
                raise errors.invalid_value(f"The CIDR {gone.cidr} is not an entry of {own.id}.")
        current.update({each.cidr: each for each in _entries(own.family, added)})
        versions = {**own.versions, str(own.version + 1): tuple(current.values())}
        changed = replace(changed, version=own.version + 1, versions=versions)
    if len(changed.entries) > changed.max_entries or not 1 <= changed.max_entries <= 1000:
        raise errors.prefix_list_size(len(changed.entries), changed.max_entries)
    state.prefix_lists.put(changed)
    for group in state.groups.all(ctx):
        if any(rule.prefix_list_id == own.id for rule in group.rules):
            check_quota(state, group)  # a larger list may no longer fit
    return {"PrefixList": {**_own_output(state, changed), "State": "modify-in-progress"}}


@operation("RestoreManagedPrefixListVersion", on=_LIST)
def restore_managed_prefix_list_version(ctx: Ctx, params: Params) -> Output:
    """The entries of an earlier version become a new version."""
    own = _own(ctx, params)
    current, previous = params.get("CurrentVersion"), params.get("PreviousVersion")
    if current is None or previous is None:
        raise errors.missing_parameter("currentVersion" if current is None else "previousVersion")
    if current != own.version:
        raise errors.prefix_list_version_mismatch(own.id, current)
    entries = own.versions.get(str(previous))
    if entries is None or previous == own.version:
        raise errors.prefix_list_version(own.id, previous)
    if len(entries) > own.max_entries:
        raise errors.prefix_list_size(len(entries), own.max_entries)
    versions = {**own.versions, str(own.version + 1): entries}
    restored = replace(own, version=own.version + 1, versions=versions, state="restore-complete")
    ctx.state.prefix_lists.put(restored)
    return {"PrefixList": {**_own_output(ctx.state, restored), "State": "restore-in-progress"}}


@operation("DeleteManagedPrefixList", on=_LIST)
def delete_managed_prefix_list(ctx: Ctx, params: Params) -> Output:
    own = _own(ctx, params)
    if _users(ctx.state, own):
        raise errors.prefix_list_in_use(own.id)
    output = {**_own_output(ctx.state, own), "State": "delete-in-progress"}
    ctx.state.discard(ctx.state.prefix_lists, own)
    return {"PrefixList": output}


def _users(state: Ec2State, own: ManagedPrefixList) -> list[str]:
    groups = [
        group.id
        for group in state.groups.all(own)
        if any(rule.prefix_list_id == own.id for rule in group.rules)
    ]
    tables = [
        table.id
        for table in state.route_tables.all(own)
        if any(route.destination == own.id for route in table.routes)
    ]
    return groups + tables


@operation("GetManagedPrefixListAssociations", on=_LIST)
def get_managed_prefix_list_associations(ctx: Ctx, params: Params) -> Output:
    own = _own(ctx, params)
    outputs: list[Rendered] = [
        {"ResourceId": each, "ResourceOwner": own.account} for each in _users(ctx.state, own)
    ]
    return paged(outputs, params, "PrefixListAssociations")
