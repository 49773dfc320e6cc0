"""Layers: published, shown, listed, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import code_storage, errors, layer_versions
from casemate.services.lambda_.layer_versions import LayerName, LayerVersion
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, page


def layer_named(ctx: Ctx, params: Params) -> LayerName:
    """The layer an input names, with the version it names."""
    text: str = params["LayerName"]
    version = params.get("VersionNumber")
    parsed = layer_versions.parse_arn(text)
    if parsed is None:
        return LayerName(account=ctx.account, region=ctx.region, name=text, version=version)
    return LayerName(account=parsed.account, region=parsed.region, name=parsed.name, version=version)


def on_layer(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    """One check of `lambda:<action>` on the layer, or the version, that the input names."""
    return lambda ctx, params: [Check(action=f"lambda:{action}", resource=layer_named(ctx, params).arn)]


@OPERATIONS.operation("PublishLayerVersion", checks=on_layer("PublishLayerVersion"))
def publish_layer_version(ctx: Ctx, params: Params) -> Output:
    """A new version."""
    name = layer_named(ctx, params)
    if name.account != ctx.account:
        raise errors.access_denied("Cross-account layer publication is not allowed.")
    content: Params = params["Content"]
    if content.get("S3Bucket"):
        raise errors.no_bucket()
    if not content.get("ZipFile"):
        raise errors.invalid("Please provide a source for layer content.")
    package = code_storage.admitted(ctx, content["ZipFile"], "PublishLayerVersion")
    version = LayerVersion(
        account=name.account,
        region=name.region,
        name=name.name,
        version=ctx.state.layers.next_number(name),
        description=params.get("Description", ""),
        created=_timestamp(ctx.now),
        runtimes=tuple(params.get("CompatibleRuntimes") or ()),
        architectures=tuple(params.get("CompatibleArchitectures") or ()),
        license=params.get("LicenseInfo"),
        code_sha256=package.sha256,
        code_size=package.size,
        directory=package.directory,
        unzipped_size=package.unzipped,
    )
    ctx.state.layers.versions.put((*name.key, str(version.version)), version)
    return _describe(version)


@OPERATIONS.operation("GetLayerVersion", checks=on_layer("GetLayerVersion"))
def get_layer_version(ctx: Ctx, params: Params) -> Output:
    """A version, with where its archive is."""
    return _describe(_existing(ctx, layer_named(ctx, params)))


def _by_arn(params: Params) -> LayerName:
    name = layer_versions.parse_arn(params["Arn"])
    if name is None or name.version is None:
        raise errors.constraint(
            params["Arn"], "arn", "satisfy regular expression pattern: arn:...:layer:name:version"
        )
    return name


# The action is GetLayerVersion: API reference.
@OPERATIONS.operation(
    "GetLayerVersionByArn",
    checks=lambda _ctx, params: [Check(action="lambda:GetLayerVersion", resource=_by_arn(params).arn)],
)
def get_layer_version_by_arn(ctx: Ctx, params: Params) -> Output:
    """A version, of another account too."""
    return _describe(_existing(ctx, _by_arn(params)))


def _list_checks(ctx: Ctx, params: Params) -> Iterable[Check]:
    """The action has no resource, and so none that another account's layer could be shared by."""
    name = layer_named(ctx, params)
    resource = "*" if name.account == ctx.account else name.arn
    yield Check(action="lambda:ListLayerVersions", resource=resource)


@OPERATIONS.operation("ListLayerVersions", checks=_list_checks)
def list_layer_versions(ctx: Ctx, params: Params) -> Output:
    """The versions of a layer, newest first."""
    found = [one for one in ctx.state.layers.versions_of(layer_named(ctx, params)) if _suits(one, params)]
    shown, marker = page(found, params)
    return {"LayerVersions": [_item(one) for one in shown], "NextMarker": marker}


@OPERATIONS.operation("ListLayers", checks=lambda _ctx, _params: [Check(action="lambda:ListLayers")])
def list_layers(ctx: Ctx, params: Params) -> Output:
    """The account's layers, each with its newest version that suits."""
    newest: dict[str, LayerVersion] = {}
    for one in ctx.state.layers.versions.values(ctx.account, ctx.region):
        if _suits(one, params) and (one.name not in newest or newest[one.name].version < one.version):
            newest[one.name] = one
    shown, marker = page([newest[name] for name in sorted(newest)], params)
    layers = [
        {"LayerName": one.name, "LayerArn": one.layer_arn, "LatestMatchingVersion": _item(one)}
        for one in shown
    ]
    return {"Layers": layers, "NextMarker": marker}


@OPERATIONS.operation("DeleteLayerVersion", checks=on_layer("DeleteLayerVersion"))
def delete_layer_version(ctx: Ctx, params: Params) -> Output:
    """Delete a version; functions that use it keep it, and deleting what is not there succeeds."""
    name = layer_named(ctx, params)
    ctx.state.layers.versions.delete(*name.key, str(name.version))
    ctx.state.layers.permissions.delete(*name.key, str(name.version))
    return {}


def _existing(ctx: Ctx, name: LayerName) -> LayerVersion:
    found = ctx.state.layers.version(name)
    if found is None:
        raise errors.not_found_here("The resource you requested does not exist.")
    return found


def _suits(version: LayerVersion, params: Params) -> bool:
    runtime, architecture = params.get("CompatibleRuntime"), params.get("CompatibleArchitecture")
    return (runtime is None or runtime in version.runtimes) and (
        architecture is None or architecture in version.architectures
    )


def _item(version: LayerVersion) -> dict[str, Any]:
    return {
        "LayerVersionArn": version.arn,
        "Version": version.version,
        "Description": version.description,
        "CreatedDate": version.created,
        "CompatibleArchitectures": list(version.architectures) or None,
        "CompatibleRuntimes": list(version.runtimes) or None,
        "LicenseInfo": version.license,
    }


def _describe(version: LayerVersion) -> dict[str, Any]:
    location = f"https://awslambda-{version.region}-layers.s3.{version.region}.amazonaws.com/snapshots"
    content = {
        # AWS gives a presigned URL of ten minutes; there is no S3 here, so this one leads nowhere.
        "Location": f"{location}/{version.account}/{version.name}-{version.version}",
        "CodeSha256": version.code_sha256,
        "CodeSize": version.code_size,
    }
    described = {"Content": content, "LayerArn": version.layer_arn, **_item(version)}
    return {name: value for name, value in described.items() if value is not None}


def _timestamp(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"
