"""The errors of KMS. Codes are those of its API Reference; texts as AWS's SDKs show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.constraints import Violation, message


def out_of_bounds(violations: list[Violation]) -> AwsError:
    """Input that the service's model forbids."""
    return AwsError("ValidationException", message(violations))


def validation(text: str) -> AwsError:
    return AwsError("ValidationException", text)


def require_length(params: Mapping[str, Any], member: str, most: int) -> None:
    """ValidationException for bytes that are none or too many; what they are is not repeated."""
    size = len(params[member])
    if not 1 <= size <= most:
        limit = "greater than or equal to 1" if size < 1 else f"less than or equal to {most}"
        raise validation(
            f"1 validation error detected: Value at '{member[:1].lower()}{member[1:]}' failed to satisfy constraint: "
            f"Member must have length {limit}"
        )


def key_not_found(arn: str) -> AwsError:
    return AwsError("NotFoundException", f"Key '{arn}' does not exist")


def alias_not_found(arn: str) -> AwsError:
    return AwsError("NotFoundException", f"Alias {arn} is not found.")


def no_alias() -> AwsError:
    """The ARN of an alias where a key is wanted. Observed of CreateGrant: hashicorp/terraform#20813 on GitHub."""
    return AwsError("InvalidArnException", "Key Aliases are not supported for this operation.")


def invalid_key_id(text: str) -> AwsError:
    """Neither a key id, nor an alias, nor the ARN of one."""
    return AwsError("NotFoundException", f"Invalid keyId '{text}'")


def invalid_arn(text: str) -> AwsError:
    return AwsError("InvalidArnException", f"Invalid arn {text}")


def no_principal(text: str) -> AwsError:
    """Who a grant is for must be somebody (text as in public issue threads)."""
    return AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {text}")


def other_region(region: str) -> AwsError:
    """The ARN of a key in another Region."""
    return AwsError("NotFoundException", f"Invalid arn {region}")


def disabled(arn: str) -> AwsError:
    return AwsError("DisabledException", f"{arn} is disabled.")


def pending_deletion(arn: str) -> AwsError:
    return AwsError("KMSInvalidStateException", f"{arn} is pending deletion.")


def not_pending_deletion(arn: str) -> AwsError:
    return AwsError("KMSInvalidStateException", f"{arn} is not pending deletion.")


def wrong_usage(arn: str, usage: str, operation: str) -> AwsError:
    return AwsError(
        "InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {operation}."
    )


def invalid_ciphertext() -> AwsError:
    """No text: AWS does not tell a changed ciphertext from a wrong encryption context."""
    return AwsError("InvalidCiphertextException", "")


def incorrect_key() -> AwsError:
    return AwsError(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def invalid_mac() -> AwsError:
    return AwsError("KMSInvalidMacException", "")


def limit_exceeded(text: str) -> AwsError:
    return AwsError("LimitExceededException", text)


def malformed_policy(text: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", text)


def locked_out() -> AwsError:
    return malformed_policy("The new key policy will not allow you to update the key policy in the future.")


def tag_error(text: str) -> AwsError:
    return AwsError("TagException", text)


def invalid_marker() -> AwsError:
    return AwsError("InvalidMarkerException", "")


def grant_not_found() -> AwsError:
    return AwsError("NotFoundException", "Grant does not exist")


def invalid_grant_token() -> AwsError:
    return AwsError("InvalidGrantTokenException", "Invalid grant token.")


def unknown_ciphertext_key() -> AwsError:
    """A ciphertext of a key that is not here. Observed: aws/aws-encryption-sdk-javascript#1005, Droplr/aws-env#29 on GitHub."""
    text = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
        "not allowed to access."
    )
    return AwsError("AccessDeniedException", text)


def not_abroad(caller: str, action: str, key: str) -> AwsError:
    """Another account's key, for what only its own account may do."""
    text = (
        f"User: {caller} is not authorized to perform: {action} on resource: {key} because no resource-based policy "
        f"allows the {action} action"
    )
    return AwsError("AccessDeniedException", text)


def no_alias_prefix() -> AwsError:
    """Observed: aws-controllers-k8s/community#1878 on GitHub."""
    return validation(
        'Alias must start with the prefix "alias/". Please see '
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
    )


def invalid_principals() -> AwsError:
    """Observed: awslabs/minimum-viable-dataspace-on-aws#6 on GitHub, where a role was not there."""
    return malformed_policy("Policy contains a statement with one or more invalid principals.")


def not_retirable_by(caller: str, retiring: str) -> AwsError:
    """The retiring principal is what ListRetirableGrants is authorized on (API Reference)."""
    text = f"User: {caller} is not authorized to perform: kms:ListRetirableGrants on resource: {retiring}"
    return AwsError("AccessDeniedException", text)


def dry_run() -> AwsError:
    """The request would have succeeded (API Reference, DryRun)."""
    return AwsError(
        "DryRunOperationException",
        "The request would have succeeded, but the DryRun option is set.",
    )


def unsupported(what: str) -> AwsError:
    """Something that Casemate does not have, or a key cannot do: said plainly rather than half done."""
    return AwsError("UnsupportedOperationException", what)


def not_modelled(what: str) -> AwsError:
    return unsupported(f"Casemate does not implement {what}")
