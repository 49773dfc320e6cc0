"""Instance profiles on instances."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.ports import ProfileFacts
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.launch_request import named_profile
from casemate.services.ec2.launching import associated, pass_role
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import Instance
from casemate.services.ec2.registry import Ctx, behind, on, operation, required

ASSOCIATION_FILTERS = {"instance-id": "InstanceId", "state": "State"}


def _output(instance: Instance, state: str = "associated") -> Rendered:
    association = instance.profile
    assert association is not None
    return {
        "AssociationId": association.association_id,
        "InstanceId": instance.id,
        "IamInstanceProfile": {"Arn": association.arn, "Id": association.profile_id},
        "State": state,
        "Timestamp": association.since,
    }


def _associated(ctx: Ctx, association_id: str) -> Instance | None:
    found = ctx.state.instances.all(ctx)
    return next(
        (each for each in found if each.profile and each.profile.association_id == association_id), None
    )


def _instance_of(ctx: Ctx, association_id: str) -> str | None:
    found = _associated(ctx, association_id)
    return found.id if found else None


def _profile(ctx: Ctx, params: Params) -> ProfileFacts:
    profile = named_profile(ctx, params.get("IamInstanceProfile"))
    if profile is None:
        raise errors.profile_name()
    pass_role(ctx, profile)
    return profile


@operation("AssociateIamInstanceProfile", on=(on("instance", "InstanceId"),))
def associate_iam_instance_profile(ctx: Ctx, params: Params) -> Output:
    instance = ctx.state.instances.get(ctx, required(params, "InstanceId"))
    profile = _profile(ctx, params)
    if instance.profile is not None:
        raise errors.profile_associated(instance.id)
    changed = ctx.state.instances.put(replace(instance, profile=associated(ctx, profile)))
    return {"IamInstanceProfileAssociation": _output(changed, "associating")}


_ENDS = (behind("instance", "AssociationId", _instance_of),)


@operation("ReplaceIamInstanceProfileAssociation", on=_ENDS)
def replace_iam_instance_profile_association(ctx: Ctx, params: Params) -> Output:
    association_id = required(params, "AssociationId")
    instance = _associated(ctx, association_id)
    if instance is None:
        raise errors.profile_association_missing(association_id)
    profile = _profile(ctx, params)
    changed = ctx.state.instances.put(replace(instance, profile=associated(ctx, profile)))
    return {"IamInstanceProfileAssociation": _output(changed, "associating")}


@operation("DisassociateIamInstanceProfile", on=_ENDS)
def disassociate_iam_instance_profile(ctx: Ctx, params: Params) -> Output:
    association_id = required(params, "AssociationId")
    instance = _associated(ctx, association_id)
    if instance is None:
        raise errors.profile_association_missing(association_id)
    ctx.state.instances.put(replace(instance, profile=None))
    return {"IamInstanceProfileAssociation": _output(instance, "disassociating")}


@operation("DescribeIamInstanceProfileAssociations")
def describe_iam_instance_profile_associations(ctx: Ctx, params: Params) -> Output:
    ids = params.get("AssociationIds")
    found = [each for each in ctx.state.instances.all(ctx) if each.profile]
    for association_id in ids or ():
        if _associated(ctx, association_id) is None:
            raise errors.profile_association_missing(association_id)
    rows = [_output(each) for each in found]
    shown = [row for row in rows if not ids or row["AssociationId"] in ids]
    return paged(filtered(shown, params, ASSOCIATION_FILTERS), params, "IamInstanceProfileAssociations")
