"""The operations of global tables of version 2017.11.29, as AWS answers them: no such table can be made any more.

Those of the current version are tables with replicas (`global_tables`). The words, and what is answered of names that are
no global table, are recorded by ack-api-quirks, DDB-GLOBALTABLE-001 to 004, DDB-GLOBALTABLESETTINGS-001 and DDB-TABLE-442.
"""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.errors import INVALID


def _on_global_table(action: str) -> Checks[DynamoState]:
    """On the global table, which is of no Region, and the table here (Service Authorization Reference)."""

    def checks(ctx: Context[DynamoState], params: Params) -> tuple[Check, ...]:
        name = params["GlobalTableName"]
        of_all = ctx.arn("dynamodb", f"global-table/{name}", region="")
        asked = (Check(action=f"dynamodb:{action}", resource=of_all),)
        if action.startswith("Describe"):
            return asked
        return (*asked, Check(action=f"dynamodb:{action}", resource=table_ref(ctx, name).arn))

    return checks


def _refused(_ctx: Context[DynamoState], _params: Params) -> Output:
    raise validation(
        f"{INVALID}DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables "
        "version 2019.11.21, instead of version 2017.11.29 (Legacy)."
    )


def _not_found(_ctx: Context[DynamoState], _params: Params) -> Output:
    # No recording of its words is at hand: these are the API reference's.
    raise AwsError("GlobalTableNotFoundException", "The specified global table does not exist.")


operations.operation("CreateGlobalTable", checks=_on_global_table("CreateGlobalTable"))(_refused)
for _name in (
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
):
    operations.operation(_name, checks=_on_global_table(_name))(_not_found)


@operations.operation("ListGlobalTables")
def list_global_tables(_ctx: Context[DynamoState], _params: Params) -> Output:
    """None: tables with replicas of the current version are not among them."""
    return {"GlobalTables": []}
