"""Event source mappings: what Lambda reads from DynamoDB streams and hands to functions.

Belongs here: mappings and their checkpoints, event filtering, batches and what becomes of them, the pollers. Does not
belong here: the streams (`servicekit.ports.TableStreams`), running functions (`services.lambda_.runner`).

    Pollers           one per Casemate: follows the mappings in the store
      MappingPoller   one per enabled mapping: follows the shards and their lineage
        Lane          ParallelizationFactor per shard: reads, filters, batches, invokes, tries again, keeps the checkpoint

`patterns`, `responses`, `batches` and `stream_events` are pure.
"""
