"""DynamoDB's errors of the control plane. Those of items are in `casemate.tables.errors`."""

from __future__ import annotations

from casemate.model.errors import AwsError


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def table_not_found(name: str) -> AwsError:
    """Of operations on tables, which name it."""
    return AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def resource_not_found() -> AwsError:
    """Of operations on items, which do not say what was not found."""
    return AwsError("ResourceNotFoundException", "Requested resource not found")


def resource_arn_not_found(arn: str) -> AwsError:
    """Of operations on tags; its words, and the others' above: ack-api-quirks, DDB-TABLE-446."""
    return AwsError(
        "ResourceNotFoundException", f"Requested resource not found: ResourceArn: {arn} not found"
    )


def table_exists(name: str) -> AwsError:
    return AwsError("ResourceInUseException", f"Table already exists: {name}")


def being_replicated() -> AwsError:
    """Of a global table while replicas come or go, which does not say more (ack-api-quirks, DDB-TABLE-444)."""
    return AwsError("ResourceInUseException", "The resource which you are attempting to change is in use.")


def indexes_change() -> AwsError:
    """Of a table one of whose indexes comes or goes; its words, which do not say which: ack-api-quirks, DDB-TABLE-376 and 444."""
    return AwsError(
        "ResourceInUseException",
        "Attempt to change a resource which is still in use: Cannot delete table while indexes are being created, updated, or "
        "deleted.",
    )


def not_the_owner() -> AwsError:
    """Of what other accounts may not do, even where a policy allows it (ack-api-quirks, DDB-TABLE-442)."""
    return validation(
        "This action is only supported by accounts that match the resource owner\u2019s account."
    )


def being_created(name: str) -> AwsError:
    """Of a table that is CREATING; its words: an answer of AWS quoted by terraform-aws-dynamodb-table, issue 51."""
    return AwsError(
        "ResourceInUseException",
        f"Attempt to change a resource which is still in use: Table is being created: {name}",
    )


def being_deleted(name: str) -> AwsError:
    """Of a table that is DELETING."""
    return AwsError(
        "ResourceInUseException",
        f"Attempt to change a resource which is still in use: Table is being deleted: {name}",
    )


def is_archived(name: str) -> AwsError:
    """Of a table that is ARCHIVED; modelled on what is said of the other states."""
    return AwsError(
        "ResourceInUseException",
        f"Attempt to change a resource which is still in use: Table is archived: {name}",
    )


def source_not_found(name: str) -> AwsError:
    """Of backups and restores, which have an error of their own for a table that is not there."""
    return AwsError("TableNotFoundException", f"Table not found: {name}")


def backup_not_found(arn: str) -> AwsError:
    """Its words as seen in an answer of AWS (steampipe-plugin-aws 1913)."""
    return AwsError("BackupNotFoundException", f"Backup not found: {arn}")


def not_modelled(what: str) -> AwsError:
    """A feature that Casemate does not have: said plainly rather than half done."""
    return AwsError("ValidationException", f"Casemate does not implement {what}")
