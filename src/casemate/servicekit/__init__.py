"""What services are made of: Service, Operation, Context, Check, the store, and the ports they need of each other.

Belongs here: the frame of a vertical slice. Does not belong here: knowledge of any AWS service.
Knows everything below it; nothing of the gateway or of `casemate.app`.
"""
