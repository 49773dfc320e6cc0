"""Global tables, version 2019.11.21: replicas of a table in other Regions of the same Casemate.

Belongs here: how replicas come and go (`membership`), which settings they share (`settings`), and how what is written to
one reaches the others (`replicator`). Does not belong here: what is told and in which order, which
`casemate.tables.replication_log` keeps beside the items.

Sources: Developer Guide, "Global tables core concepts", "Global tables settings", "DynamoDB global tables security"; API
reference, UpdateTable, ReplicationGroupUpdate. Multi-Region strong consistency, witnesses, replicas in other accounts and
the legacy version 2017.11.29 are refused.
"""
