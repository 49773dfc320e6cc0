"""The IAM policy language and its evaluation: request + policies -> Decision with its trace. Pure.

Belongs here: parsing and validation of policy documents, condition operators, the evaluation order, AWS's denial
messages. Does not belong here: finding the policies (services own them), HTTP codes (the gateway chooses them).
Knows `casemate.model` only.

Read in this order: `document`, `grammar` and `parser` (what a policy is); `variables`, `patterns`, `operators`,
`conditions`, `principals` (what a statement matches); `compiled` and `layers` (statements and policy types asked,
answers kept); `evaluation` (who takes part); `combination` (AWS's order); `messages` (AWS's words).
"""
