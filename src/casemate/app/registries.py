"""Every slice's registry of operations."""

from __future__ import annotations

from typing import Any


def registries() -> list[Any]:
    """Every slice's registry of operations: for the coverage table and the architecture tests."""
    from casemate.services.cloudtrail import operations as cloudtrail
    from casemate.services.dynamodb.registry import operations as dynamodb
    from casemate.services.dynamodb.streams.operations import operations as dynamodbstreams
    from casemate.services.ec2.registry import operations as ec2
    from casemate.services.iam.registry import operations as iam
    from casemate.services.kms.registry import operations as kms
    from casemate.services.lambda_ import OPERATIONS as LAMBDA
    from casemate.services.logs import OPERATIONS as LOGS
    from casemate.services.organizations.registry import operations as organizations
    from casemate.services.sts.registry import operations as sts

    return [cloudtrail, dynamodb, dynamodbstreams, ec2, iam, kms, LAMBDA, LOGS, organizations, sts]
