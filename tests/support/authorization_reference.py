"""Checks against AWS's Service Authorization Reference: does AWS ask such a question at all?"""

from __future__ import annotations

import re

from casemate.policy.catalogue import action, condition_key
from casemate.servicekit.service import Check

EXPLAINED = {
    r"dynamodb:ListStreams on .*/stream/": (
        "Lambda asks for a stream; roles that allow it on the stream alone are enough (AWS SAM, DynamoDBStreamReadPolicy)"
    ),
    r"dynamodb:\w+: does not have the condition key dynamodb:(First|Second|Third|Fourth)PartitionKeyValues": (
        "the reference lists the keys and gives them no action; the Developer Guide has them where LeadingKeys is"
    ),
    r"iam:\w+ on arn:aws:iam::\d{12}:root: takes": "the root user asks about itself",
    r"logs:DescribeLogGroups on .*:log-group::log-stream:": "what AWS's own denials name, observed",
    r"kms:(Get|Put)KeyPolicy: no condition key kms:PolicyName": (
        "the API Reference has it, the reference not yet"
    ),
    r"kms:RetireGrant: no condition key casemate:GrantId": "which grant: AWS has no key for it",
    r"organizations:\w+ on arn:aws:organizations::aws:policy/": "a policy of AWS's, which the operation refuses to change",
    r"sts:TagSession on .*:federated-user/": "STS asks so for GetFederationToken with tags (IAM User Guide, session tags)",
    r"sts:(TagSession|SetSourceIdentity): does not have the condition key sts:": (
        "one statement of a trust policy allows these together with AssumeRole under AssumeRole's conditions "
        "(IAM User Guide, source identity)"
    ),
}
"""Questions that the reference does not have, and why they are asked all the same."""


def mistakes(check: Check) -> list[str]:
    """What is wrong with a check: an action, a resource or a condition key that the reference does not have.

    `*` passes where a resource could be named: that is how a request is asked about that names none, or none that exists.
    """
    found = action(check.action)
    if found is None:
        return [f"{check.action}: no such action"]
    wrong: list[str] = []
    if found.name != check.action:
        wrong.append(f"{check.action}: AWS writes {found.name}")
    if check.resource != "*" and not found.takes(check.resource):
        patterns = [each.type.arn for each in found.resources] or ["*"]
        wrong.append(f"{check.action} on {check.resource}: takes {', '.join(patterns)}")
    for key, value in check.context.items():
        known = condition_key(key)
        if known is None:
            wrong.append(f"{check.action}: no condition key {key}")
        elif known.multi_valued is not isinstance(value, tuple):
            wrong.append(f"{check.action}: {key} is {'a list' if known.multi_valued else 'one value'}")
        elif not found.has_key(key) and not key.lower().startswith("aws:"):
            wrong.append(f"{check.action}: does not have the condition key {key}")
    return [each for each in wrong if not any(re.match(pattern, each) for pattern in EXPLAINED)]
