"""The DynamoDB engine: values, expressions, items with their indexes, and the storage they live in.

Belongs here: everything that decides what a table holds and what a query answers. Does not belong here: HTTP, AWS
authorization, the control plane's records (`services.dynamodb`). Knows `model` only. `expressions` is pure;
`storage` is a port with two implementations (`storage_rocksdb`, durable; `storage_memory`, ephemeral).
"""
