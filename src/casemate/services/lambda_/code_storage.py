"""Archives that functions and layers bring: each within a request's size, all within the account's storage.

Sources: Lambda quotas, "Function and layer storage" and "Deployment package (.zip file archive) size"; API reference,
CodeStorageExceededException; the texts as they were observed.
"""

from __future__ import annotations

from casemate.execution.package import Package, PackageError
from casemate.model.errors import AwsError
from casemate.servicekit.service import Context
from casemate.services.lambda_ import errors
from casemate.services.lambda_.state import LambdaState

TOTAL_BYTES = 75 * 1024**3
"""Of every version of every function and layer of an account in a Region."""
REQUEST_BYTES = 70_167_211
"""Of the whole request: 50 MB in base64, and 256 KB for the rest of it. apex/up#222 had 69905067 still."""


def admitted(ctx: Context[LambdaState], archive: bytes, operation: str, *, replaced: int = 0) -> Package:
    """The archive that an operation was sent, unpacked. `replaced` bytes of the storage are given back for it."""
    if -(-len(archive) // 3) * 4 > REQUEST_BYTES:
        raise errors.request_too_long(REQUEST_BYTES, operation)
    try:
        package = ctx.state.unpacking.unpack(archive)
    except PackageError as error:
        raise errors.invalid(str(error)) from error
    require_room(ctx.state, ctx.account, ctx.region, package.size - replaced)
    return package


def require_room(state: LambdaState, account: str, region: str, more: int) -> None:
    """AwsError unless the account's storage takes so many bytes more."""
    if more > 0 and used(state, account, region) + more > TOTAL_BYTES:
        # Observed: serverless-nextjs/serverless-next.js#1801 on GitHub; the status in Graphcool/graphcool-framework#517.
        raise AwsError(
            "CodeStorageExceededException", "Code storage limit exceeded.", fields={"Type": "User"}
        )


def used(state: LambdaState, account: str, region: str) -> int:
    """Bytes of the archives that are kept."""
    functions = sum(one.code_size for one in state.functions.values(account, region))
    return functions + sum(one.code_size for one in state.layers.versions.values(account, region))
