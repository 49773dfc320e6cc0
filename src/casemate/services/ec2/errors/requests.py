"""Errors about the request as a whole."""

from __future__ import annotations

from casemate.model.errors import AwsError


def dry_run() -> AwsError:
    """The caller may do it; nothing was done."""
    return AwsError(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", http_status=412
    )


def missing_parameter(name: str) -> AwsError:
    return AwsError("MissingParameter", f"The request must contain the parameter {name}")


def invalid_value(message: str) -> AwsError:
    """InvalidParameterValue with the operation's own wording."""
    return AwsError("InvalidParameterValue", message)


def bad_value(value: object, parameter: str, why: str) -> AwsError:
    """InvalidParameterValue in AWS's usual form."""
    return invalid_value(f"Value ({value}) for parameter {parameter} is invalid. {why}")


def invalid_parameter(message: str) -> AwsError:
    return AwsError("InvalidParameter", message)


def combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def unknown_filter(name: str) -> AwsError:
    return invalid_value(f"The filter '{name}' is invalid")


def invalid_next_token() -> AwsError:
    return AwsError("InvalidNextToken", "The specified token is not valid.")


def token_mismatch(token: str) -> AwsError:
    """A client token used again with other parameters."""
    return AwsError(
        "IdempotentParameterMismatch",
        f"The client token {token} has already been used with different parameters. "
        "Use a different token or identical parameters.",
    )


def not_a_cidr(value: str, parameter: str = "cidrBlock") -> AwsError:
    return bad_value(value, parameter, "This is not a valid CIDR block.")


def association_missing(association_id: str) -> AwsError:
    return AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


def limit(code: str, what: str) -> AwsError:
    """A quota is used up."""
    return AwsError(code, f"The maximum number of {what} has been reached.")


def region_unknown() -> AwsError:
    """As AWS answers in a Region that the account has not enabled."""
    return AwsError(
        "AuthFailure", "AWS was not able to validate the provided access credentials", http_status=401
    )


def other_network(first: str, first_id: str, second: str, second_id: str) -> AwsError:
    """Two things of different VPCs."""
    return invalid_parameter(f"{first} {first_id} and {second} {second_id} belong to different networks")


def flow_log_exists() -> AwsError:
    return AwsError(
        "FlowLogAlreadyExists",
        "Error. There is an existing Flow Log with the same configuration and log destination.",
    )


def analysis_exists(path_id: str) -> AwsError:
    """A path goes after its analyses. Terraform waits for this code to go away."""
    return AwsError(
        "AnalysisExistsForNetworkInsightsPath",
        f"Network insights path '{path_id}' has analyses and cannot be deleted.",
    )


def unsupported(what: str) -> AwsError:
    """A parameter that Casemate does not have: refused, because to ignore it would be to lie."""
    return AwsError("UnsupportedOperation", f"Casemate does not have {what}.")
