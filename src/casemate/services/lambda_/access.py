"""Resource-based policies of functions: statements from AddPermission to the policy language and the engine's form. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from casemate.policy.document import ConditionClause, Policy, PrincipalSpec, Statement
from casemate.servicekit.service import Params


def statement_of(params: Params, resource: str) -> dict[str, Any]:
    """The statement that AddPermission's input asks for, as AWS writes it into the function's policy."""
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": resource,
    }
    conditions: dict[str, dict[str, str]] = {}
    equals: dict[str, str] = {}
    if params.get("SourceAccount"):
        equals["AWS:SourceAccount"] = params["SourceAccount"]
    if params.get("EventSourceToken"):
        equals["lambda:EventSourceToken"] = params["EventSourceToken"]
    if params.get("FunctionUrlAuthType"):
        equals["lambda:FunctionUrlAuthType"] = params["FunctionUrlAuthType"]
    if params.get("PrincipalOrgID"):
        equals["aws:PrincipalOrgID"] = params["PrincipalOrgID"]
    if equals:
        conditions["StringEquals"] = equals
    if params.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if params.get("InvokedViaFunctionUrl") is not None:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": str(params["InvokedViaFunctionUrl"]).lower()}
    if conditions:
        statement["Condition"] = conditions
    return statement


def _principal(principal: str) -> str | dict[str, str]:
    if principal == "*":
        return "*"
    if re.fullmatch(r"\d{12}", principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.startswith("arn:"):
        return {"AWS": principal}
    return {"Service": principal}


def document_of(statements: Sequence[Mapping[str, Any]]) -> str:
    """The policy as GetPolicy gives it."""
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}
    return json.dumps(policy, separators=(",", ":"))


def policy_of(label: str, statements: Sequence[Mapping[str, Any]]) -> Policy:
    """The policy as the engine wants it."""
    return Policy(
        label=label,
        version="2012-10-17",
        statements=tuple(_parsed(index, statement) for index, statement in enumerate(statements)),
        document=document_of(statements),
    )


def _parsed(index: int, statement: Mapping[str, Any]) -> Statement:
    principal = statement["Principal"]
    if principal == "*":
        spec = PrincipalSpec(everyone=True)
    elif "Service" in principal:
        spec = PrincipalSpec(service=(principal["Service"],))
    else:
        spec = PrincipalSpec(aws=(principal["AWS"],))
    clauses = [
        ConditionClause(operator=operator, key=key, values=(value,))
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]
    return Statement(
        index=index,
        sid=statement["Sid"],
        effect="Allow",
        actions=(statement["Action"],),
        resources=(statement["Resource"],),
        principal=spec,
        conditions=tuple(clauses),
    )
