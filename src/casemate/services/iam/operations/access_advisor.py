"""The access advisor: reports of when permissions were last used, which Casemate does not keep."""

from __future__ import annotations

from casemate.services.iam.registry import operations

operations.refuse(
    "GenerateServiceLastAccessedDetails",
    "GetServiceLastAccessedDetails",
    "GetServiceLastAccessedDetailsWithEntities",
    "GenerateOrganizationsAccessReport",
    "GetOrganizationsAccessReport",
    because="it keeps no history of which permissions were used. Its trail does: cloudtrail:LookupEvents has every call.",
)
