"""The errors of Lambda: codes and statuses from botocore's model.

Messages are AWS's where a page or an observed answer is cited, here, where they are raised, or with the case of
`tests/conformance/lambda/pages` that quotes it. The others are from general knowledge or in our words.
"""

from __future__ import annotations

import re

from casemate.model.errors import AwsError


def not_found(what: str, arn: str) -> AwsError:
    """`what`: `Function`, `Alias`."""
    return AwsError(
        "ResourceNotFoundException", f"{what} not found: {arn}", http_status=404, fields={"Type": "User"}
    )


def not_found_here(message: str) -> AwsError:
    """A part of a function that is not there."""
    return AwsError("ResourceNotFoundException", message, http_status=404, fields={"Type": "User"})


def conflict(message: str) -> AwsError:
    """It exists already, or it is not in a state for this."""
    return AwsError("ResourceConflictException", message, http_status=409, fields={"Type": "User"})


def invalid(message: str) -> AwsError:
    """A parameter whose value makes no sense."""
    return AwsError("InvalidParameterValueException", message, fields={"Type": "User"})


def constraint(value: object, member: str, rule: str) -> AwsError:
    """A parameter that breaks the model's constraints."""
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must {rule}",
    )


def precondition_failed() -> AwsError:
    """Another revision is current. Observed, in its first half: aws/aws-sdk#377 on GitHub."""
    return AwsError(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
        "the latest Revision Id",
        http_status=412,
        fields={"Type": "User"},
    )


def inactive() -> AwsError:
    """An invocation of a function whose interfaces were reclaimed. Text: botocore's documentation of the error."""
    return AwsError(
        "ResourceNotReadyException",
        "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to "
        "reestablish and try again.",
        http_status=502,
        fault="server",
    )


def snapshot_pending() -> AwsError:
    """Text: Lambda Developer Guide, "Troubleshooting SnapStart errors for Lambda functions"."""
    return AwsError(
        "SnapStartNotReadyException",
        "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
        http_status=409,
        fields={"Type": "User"},
    )


def not_invocable(state: str) -> AwsError:
    """Observed for `Pending`: hashicorp/terraform-provider-aws#20293 on GitHub."""
    return conflict(
        f"The operation cannot be performed at this time. The function is currently in the following state: {state}"
    )


def recursive() -> AwsError:
    """A chain of functions that came back too often. Text: botocore's documentation of the error."""
    return AwsError(
        "RecursiveInvocationException",
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources "
        "and stopped your function's invocation.",
        fields={"Type": "User"},
    )


def no_free_address() -> AwsError:
    """Text: botocore's documentation of the error."""
    return AwsError(
        "SubnetIPAddressLimitReachedException",
        "Lambda couldn't set up VPC access for the Lambda function because one or more configured subnets has no "
        "available IP addresses.",
        http_status=502,
        fault="server",
    )


def access_denied(message: str) -> AwsError:
    """Lambda's 403."""
    return AwsError("AccessDeniedException", message, http_status=403)


def payload_too_large(size: int, limit: int, *, event: bool) -> AwsError:
    """An invocation's payload. The model names it RequestTooLargeException; what is answered is this.

    Observed: pelmers/streetwarp-web#14 on GitHub; of an event ASFHyP3/hyp3#2241, and with the limit of 1 MB
    aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#611.
    """
    text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    if event:
        text = f"{size} byte payload is too large for the Event invocation type (limit {limit} bytes)"
    return entity_too_large(text)


def request_too_long(limit: int, operation: str) -> AwsError:
    """Observed: apex/up#222 on GitHub, motdotla/node-lambda#123 and #212; the status in anomalyco/ion#459."""
    return entity_too_large(f"Request must be smaller than {limit} bytes for the {operation} operation")


def entity_too_large(message: str) -> AwsError:
    """A request that is longer than an operation takes."""
    return AwsError("RequestEntityTooLargeException", message, http_status=413, fields={"Type": "User"})


def no_bucket() -> AwsError:
    """Code in S3: there is no S3 here, so there is no such bucket; what Lambda says then."""
    return invalid(
        "Error occurred while GetObject. S3 Error Code: NoSuchBucket. "
        "S3 Error Message: The specified bucket does not exist"
    )


_BARE_WORD = re.compile(rb"[A-Za-z_$][\w$]*")


def unparsable(payload: bytes, why: str) -> AwsError:
    """A payload that is not JSON.

    Source of the text for a bare word: Lambda Developer Guide, "Invoke a Lambda function synchronously"; its column is
    one more than twice the word's length in every answer seen there and elsewhere. Other mistakes are told in our words.
    """
    detail = f"Could not parse payload into json: {why}"
    if _BARE_WORD.fullmatch(payload):
        word = payload.decode()
        detail = (
            f"Unrecognized token '{word}': was expecting ('true', 'false' or 'null')\n"
            f' at [Source: (byte[])"{word}"; line: 1, column: {2 * len(word) + 1}]'
        )
    return AwsError(
        "InvalidRequestContentException",
        f"Could not parse request body into json: {detail}",
        fields={"Type": "User"},
    )
