"""Flow logs: from what the data plane counted to the records of a log group.

Belongs here: which interfaces a flow log covers (`coverage`), what a record looks like (`record`), the windows of
aggregation (`recorder`). Does not belong here: counting (`casemate.dataplane`) and delivery (the port `LogDelivery`).
Modelled: cloud-watch-logs destinations and plain text.
"""
