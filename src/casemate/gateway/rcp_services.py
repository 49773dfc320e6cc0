"""Services whose resources resource control policies protect: dated data.

Source: AWS Organizations User Guide, "List of AWS services that support RCPs" (2026). Only services Casemate models
or may model soon are listed; lambda and sns are not among AWS's.
"""

RCP_SERVICES = frozenset(
    {"dynamodb", "s3", "kms", "sts", "secretsmanager", "sqs", "logs", "ecr", "cognito-idp", "aoss"}
)
