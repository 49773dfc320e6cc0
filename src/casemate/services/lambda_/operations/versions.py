"""Published versions: copies of `$LATEST` that do not change."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import code_storage, errors, placement, snap_start
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function, page, shown
from casemate.services.lambda_.state import Activity, Function


@OPERATIONS.operation(
    "PublishVersion",
    checks=on_function("PublishVersion", qualified=False),
    lasting=snap_start.until_settled,
)
def publish_version(ctx: Ctx, params: Params) -> Output:
    """Publish `$LATEST`; when nothing changed since the last version, that version again."""
    latest = ctx.state.latest(named(ctx, params))
    if params.get("PublishTo"):
        raise errors.invalid("Casemate does not support PublishTo: functions have no capacity provider here.")
    if params.get("RevisionId") not in (None, latest.revision):
        raise errors.precondition_failed()
    if params.get("CodeSha256") not in (None, latest.code_sha256):
        # Observed: justinram11/serverless-aws-batch#22 on GitHub.
        raise errors.invalid(
            f"CodeSHA256 ({params['CodeSha256']}) is different from current CodeSHA256 in $LATEST "
            f"({latest.code_sha256}). Please try again with the CodeSHA256 in $LATEST."
        )
    return shown(ctx, publish(ctx, latest, description=params.get("Description")))


def publish(ctx: Ctx, latest: Function, *, description: str | None) -> Function:
    """The version made of `latest`."""
    name = FunctionName(account=latest.account, region=latest.region, name=latest.name)
    published = [one for one in ctx.state.versions(name) if one.version != LATEST]
    if published and _same(published[-1], latest):
        return published[-1]
    code_storage.require_room(ctx.state, latest.account, latest.region, latest.code_size)
    number = str(latest.next_version)
    version = replace(
        latest,
        version=number,
        description=latest.description if description is None else description,
        revision=ctx.new_uuid(),
        tags={},
        reserved=None,
        idle=False,
        snapshot=snap_start.wanted(latest),
    )
    ctx.state.activity.put(version.key, Activity(invoked=ctx.now))
    if latest.network is not None:
        # Its own use of the interfaces: $LATEST may move to other subnets.
        network = placement.attach(
            ctx.state,
            latest.network,
            account=latest.account,
            region=latest.region,
            function_arn=version.version_arn,
        )
        version = replace(version, network=network)
    ctx.state.functions.put(version.key, version)
    ctx.state.functions.put(latest.key, replace(latest, next_version=latest.next_version + 1))
    return version


def _same(version: Function, latest: Function) -> bool:
    """Whether `version` is what publishing `latest` would make, its description and its numbers aside."""
    return version == replace(
        latest,
        version=version.version,
        description=version.description,
        revision=version.revision,
        next_version=version.next_version,
        modified=version.modified,
        tags={},
        reserved=None,
        idle=version.idle,
        snapshot=version.snapshot,
        network=latest.network
        and version.network
        and replace(latest.network, interface_ids=version.network.interface_ids),
    )


@OPERATIONS.operation("ListVersionsByFunction", checks=on_function("ListVersionsByFunction", qualified=False))
def list_versions_by_function(ctx: Ctx, params: Params) -> Output:
    """`$LATEST` and every published version."""
    name = named(ctx, params)
    ctx.state.latest(name)
    listed, marker = page(ctx.state.versions(name), params)
    described = [shown(ctx, one, qualified=True) for one in listed]
    return {"Versions": described, "NextMarker": marker}
