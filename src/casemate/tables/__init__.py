"""The DynamoDB engine: expressions (pure), items and indexes, storage behind a port.

Belongs here: everything DynamoDB does with items. Does not belong here: the API's control plane, policies, HTTP.
Knows `casemate.model` only.
"""
