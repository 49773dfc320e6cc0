"""DynamoDB Streams: switching them on and off, the `dynamodbstreams` API, and what Lambda's pollers read.

Belongs here: stream records of the control plane, shard iterators, the API's forms. Does not belong here: the changes
themselves, which `casemate.tables.change_log` keeps beside the items.

A stream is ready when the call that made it has answered, as a table is. One that was switched off, or whose table is
deleted, stays readable for a day.
"""
