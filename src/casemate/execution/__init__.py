"""Lambda execution environments: lifecycle (pure state machine), runtime API, sandbox (all the I/O).

Belongs here: starting, feeding, timing and ending the processes that run functions. Does not belong here: the Lambda
API (services/lambda_), the network (reached through the ports in `execution.ports`). Knows `casemate.model` only.
"""
