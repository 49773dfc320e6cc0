"""Throttling, where it was asked for (`casemate up --throttle`): provisioned units and on-demand limits are enforced.

Belongs here: token buckets (`buckets`), which of them a request draws on (`demands`), and the service whose operations on
items ask them first (`operations`). Without the switch none of it is in the way of a request.

Sources: Developer Guide, "Burst and adaptive capacity" (300 seconds of unused capacity are kept), "DynamoDB maximum
throughput for on-demand tables", "GSI write throttling and back pressure", "Diagnosing throttling"; API reference,
ThrottlingReason, TransactWriteItems, BatchWriteItem. Partitions are not modelled: a hot key is not throttled by itself.
"""
