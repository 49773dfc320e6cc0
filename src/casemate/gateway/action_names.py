"""Operations whose IAM action has another name, for those that Casemate refuses: who may not call them is told so first.

Source: Service Authorization Reference; Amazon S3 User Guide, "Required permissions for Amazon S3 API operations"; API
Gateway Developer Guide, "How Amazon API Gateway works with IAM". An operation that is not here has an action of its own
name; those that are implemented declare their actions themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from msgspec import Struct

from casemate.policy.catalogue import action as catalogue_action
from casemate.servicekit.service import Params

_PREFIXES: Final = {
    "IoTSecuredTunneling": "iot",
    "cloudcontrolapi": "cloudformation",
    "email": "ses",
    "iotdata": "iot",
    "monitoring": "cloudwatch",
    "mturk-requester": "mechanicalturk",
    "tagging": "tag",
}
"""Where the name a service signs with is not its prefix in IAM."""


def iam_prefix(signing_name: str) -> str:
    """The prefix in IAM of a service that signs with that name."""
    return _PREFIXES.get(signing_name, signing_name)


def _renamed(text: str) -> Mapping[str, tuple[str, ...]]:
    """Each line an operation, then its actions; those of another service with its prefix."""
    return {name: tuple(actions) for name, *actions in (line.split() for line in text.strip().splitlines())}


ACTION_NAMES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "bedrock": _renamed("""
        Converse InvokeModel
        ConverseStream InvokeModelWithResponseStream
        InvokeModelWithBidirectionalStream InvokeModel
        StartAsyncInvoke InvokeModel
    """),
    "budgets": _renamed("""
        CreateBudget ModifyBudget
        CreateNotification ModifyBudget
        CreateSubscriber ModifyBudget
        DeleteBudget ModifyBudget
        DeleteNotification ModifyBudget
        DeleteSubscriber ModifyBudget
        DescribeBudget ViewBudget
        DescribeBudgetNotificationsForAccount ViewBudget
        DescribeBudgetPerformanceHistory ViewBudget
        DescribeBudgets ViewBudget
        DescribeNotificationsForBudget ViewBudget
        DescribeSubscribersForNotification ViewBudget
        UpdateBudget ModifyBudget
        UpdateNotification ModifyBudget
        UpdateSubscriber ModifyBudget
    """),
    "cassandra": _renamed("""
        CreateKeyspace Create
        CreateTable Create
        CreateType Create
        DeleteKeyspace Drop
        DeleteTable Drop
        DeleteType Drop
        GetKeyspace Select
        GetTable Select
        GetType Select
        ListKeyspaces Select
        ListTables Select
        ListTagsForResource Select
        ListTypes Select
        RestoreTable Restore
        UpdateKeyspace Alter
        UpdateTable Alter
    """),
    "execute-api": _renamed("""
        DeleteConnection ManageConnections
        GetConnection ManageConnections
        PostToConnection ManageConnections
    """),
    "neptune-db": _renamed("""
        CancelGremlinQuery CancelQuery
        CancelOpenCypherQuery CancelQuery
        DeletePropertygraphStatistics DeleteStatistics
        DeleteSparqlStatistics DeleteStatistics
        ExecuteFastReset ResetDatabase
        ExecuteGremlinExplainQuery ReadDataViaQuery
        ExecuteGremlinProfileQuery ReadDataViaQuery
        ExecuteGremlinQuery ReadDataViaQuery
        ExecuteOpenCypherExplainQuery ReadDataViaQuery
        ExecuteOpenCypherQuery ReadDataViaQuery
        GetGremlinQueryStatus GetQueryStatus
        GetMLDataProcessingJob GetMLDataProcessingJobStatus
        GetMLEndpoint GetMLEndpointStatus
        GetMLModelTrainingJob GetMLModelTrainingJobStatus
        GetMLModelTransformJob GetMLModelTransformJobStatus
        GetOpenCypherQueryStatus GetQueryStatus
        GetPropertygraphStatistics GetStatisticsStatus
        GetPropertygraphStream GetStreamRecords
        GetPropertygraphSummary GetGraphSummary
        GetRDFGraphSummary GetGraphSummary
        GetSparqlStatistics GetStatisticsStatus
        GetSparqlStream GetStreamRecords
        ListGremlinQueries GetQueryStatus
        ListOpenCypherQueries GetQueryStatus
        ManagePropertygraphStatistics ManageStatistics
        ManageSparqlStatistics ManageStatistics
    """),
    "s3": _renamed("""
        CompleteMultipartUpload PutObject
        CopyObject PutObject
        CreateBucketMetadataConfiguration CreateBucketMetadataTableConfiguration
        CreateMultipartUpload PutObject
        CreateSession s3express:CreateSession
        DeleteBucketAnalyticsConfiguration PutAnalyticsConfiguration
        DeleteBucketCors PutBucketCORS
        DeleteBucketEncryption PutEncryptionConfiguration
        DeleteBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
        DeleteBucketInventoryConfiguration PutInventoryConfiguration
        DeleteBucketLifecycle PutLifecycleConfiguration
        DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration
        DeleteBucketMetricsConfiguration PutMetricsConfiguration
        DeleteBucketOwnershipControls PutBucketOwnershipControls
        DeleteBucketReplication PutReplicationConfiguration
        DeleteBucketTagging PutBucketTagging
        DeleteObjects DeleteObject
        DeletePublicAccessBlock PutBucketPublicAccessBlock
        GetBucketAccelerateConfiguration GetAccelerateConfiguration
        GetBucketAnalyticsConfiguration GetAnalyticsConfiguration
        GetBucketEncryption GetEncryptionConfiguration
        GetBucketIntelligentTieringConfiguration GetIntelligentTieringConfiguration
        GetBucketInventoryConfiguration GetInventoryConfiguration
        GetBucketLifecycle GetLifecycleConfiguration
        GetBucketLifecycleConfiguration GetLifecycleConfiguration
        GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration
        GetBucketMetricsConfiguration GetMetricsConfiguration
        GetBucketNotificationConfiguration GetBucketNotification
        GetBucketReplication GetReplicationConfiguration
        GetObjectLockConfiguration GetBucketObjectLockConfiguration
        GetPublicAccessBlock GetBucketPublicAccessBlock
        HeadBucket ListBucket
        HeadObject GetObject
        ListBucketAnalyticsConfigurations GetAnalyticsConfiguration
        ListBucketIntelligentTieringConfigurations GetIntelligentTieringConfiguration
        ListBucketInventoryConfigurations GetInventoryConfiguration
        ListBucketMetricsConfigurations GetMetricsConfiguration
        ListBuckets ListAllMyBuckets
        ListDirectoryBuckets s3express:ListAllMyDirectoryBuckets
        ListMultipartUploads ListBucketMultipartUploads
        ListObjectVersions ListBucketVersions
        ListObjects ListBucket
        ListObjectsV2 ListBucket
        ListParts ListMultipartUploadParts
        PutBucketAccelerateConfiguration PutAccelerateConfiguration
        PutBucketAnalyticsConfiguration PutAnalyticsConfiguration
        PutBucketEncryption PutEncryptionConfiguration
        PutBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
        PutBucketInventoryConfiguration PutInventoryConfiguration
        PutBucketLifecycle PutLifecycleConfiguration
        PutBucketLifecycleConfiguration PutLifecycleConfiguration
        PutBucketMetricsConfiguration PutMetricsConfiguration
        PutBucketNotificationConfiguration PutBucketNotification
        PutBucketReplication PutReplicationConfiguration
        PutObjectLockConfiguration PutBucketObjectLockConfiguration
        PutPublicAccessBlock PutBucketPublicAccessBlock
        SelectObjectContent GetObject
        UploadPart PutObject
        UploadPartCopy PutObject
        WriteGetObjectResponse s3-object-lambda:WriteGetObjectResponse
    """),
    "sns": _renamed("PublishBatch Publish"),
    "sqs": _renamed("""
        ChangeMessageVisibilityBatch ChangeMessageVisibility
        DeleteMessageBatch DeleteMessage
        SendMessageBatch SendMessage
    """),
    "timestream": _renamed("Query Select"),
}
"""By prefix and operation."""


class Asked(Struct, frozen=True, kw_only=True):
    """One action that an operation needs, and the parameters that say on what."""

    action: str
    params: Params
    resource: str = ""
    """What it is asked about, where no parameter says it."""


def asked_actions(
    prefix: str, operation: str, params: Params, *, method: str, path: str, region: str
) -> Iterator[Asked]:
    """What a request for `operation` needs: of API Gateway its HTTP method and path, else its actions."""
    if prefix == "apigateway" and catalogue_action(f"apigateway:{operation}") is None:
        yield Asked(action=f"apigateway:{method}", params={}, resource=f"arn:aws:apigateway:{region}::{path}")
        return
    for name in ACTION_NAMES.get(prefix, {}).get(operation, (operation,)):
        action = name if ":" in name else f"{prefix}:{name}"
        if prefix == "s3":
            yield from (Asked(action=action, params=each) for each in _objects(params))
        else:
            yield Asked(action=action, params=params)
    source = params.get("CopySource") if prefix == "s3" else None
    if isinstance(source, str):
        bucket, _, key = source.removeprefix("/").partition("?")[0].partition("/")
        yield Asked(action="s3:GetObject", params={"Bucket": bucket, "Key": key})


def _objects(params: Params) -> Iterator[Params]:
    """The request itself; of DeleteObjects one for each object."""
    deleted = cast("Mapping[str, Any]", params.get("Delete") or {})
    listed = cast("list[Mapping[str, Any]]", deleted.get("Objects") or [])
    if not listed:
        yield params
    for each in listed:
        yield {"Bucket": params.get("Bucket"), "Key": each.get("Key")}
