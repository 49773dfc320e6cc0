"""The layers that a function's configuration asks for, checked."""

from __future__ import annotations

from collections.abc import Sequence

from casemate.execution.package import UNZIPPED_LIMIT
from casemate.servicekit.service import Check, Context
from casemate.services.lambda_ import errors, layer_versions
from casemate.services.lambda_.records import LayerUse
from casemate.services.lambda_.state import LambdaState

_MOST = 5
"""Lambda quotas: "Function layers, five layers"."""


def chosen(
    ctx: Context[LambdaState], arns: Sequence[str], *, already: Sequence[LayerUse] = ()
) -> tuple[LayerUse, ...]:
    """The layers of those ARNs, in that order; `already` are those the function uses, which may be deleted by now."""
    if len(arns) > _MOST:
        raise errors.invalid(f"Cannot reference more than {_MOST} layers.")
    kept = {one.arn: one for one in already}
    seen: set[tuple[str, str, str]] = set()
    found: list[LayerUse] = []
    for arn in arns:
        name = layer_versions.parse_arn(arn)
        if name is None or name.version is None:
            raise errors.constraint(f"[{', '.join(arns)}]", "layers", "be ARNs of layer versions")
        if name.region != ctx.region:
            raise errors.invalid(
                f"Layers are not in the same region as the function. Layers are expected to be in region {ctx.region}."
            )
        if name.key in seen:
            # Observed, of one version named twice: DataDog/serverless-plugin-datadog#195 on GitHub.
            raise errors.invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{arn} and {next(one.arn for one in found if one.arn.rpartition(':')[0] == arn.rpartition(':')[0])} "
                "are versions of the same layer."
            )
        seen.add(name.key)
        # Lambda Developer Guide, "Controlling access": configuring a function with a layer asks for GetLayerVersion.
        ctx.authorize(Check(action="lambda:GetLayerVersion", resource=arn))
        found.append(kept.get(arn) or _use(ctx, name))
    return tuple(found)


def _use(ctx: Context[LambdaState], name: layer_versions.LayerName) -> LayerUse:
    version = ctx.state.layers.version(name)
    if version is None:
        raise errors.invalid(f"Layer version {name.arn} does not exist.")
    return LayerUse(
        arn=version.arn,
        code_size=version.code_size,
        directory=version.directory,
        unzipped_size=version.unzipped_size,
    )


def require_size(code_bytes: int, layers: Sequence[LayerUse]) -> None:
    """Code and layers together, unzipped, stay under Lambda's limit."""
    total = code_bytes + sum(one.unzipped_size for one in layers)
    if layers and total > UNZIPPED_LIMIT:
        # Observed: serverlesspub/ffmpeg-aws-lambda-layer#23 on GitHub.
        raise errors.invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_LIMIT} bytes. "
            f"The actual size is {total} bytes."
        )
