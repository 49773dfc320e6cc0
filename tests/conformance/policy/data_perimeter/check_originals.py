"""Parse every policy of a clone of aws-samples/data-perimeter-policy-examples under its type.

    python tests/conformance/policy/data_perimeter/check_originals.py CHECKOUT

Placeholders such as `<my-org-id>` are filled in first. Prints what does not load, with the reason; exits with 1 then.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4] / "src"))

from casemate.policy.decision import PolicyType
from casemate.policy.errors import MalformedPolicy, PolicyTooLarge
from casemate.policy.parser import parse_policy
from casemate.policy.sizes import PolicyUse, check_size

FOLDERS = {
    "service_control_policies": (PolicyType.SCP, PolicyUse.SCP),
    "resource_control_policies": (PolicyType.RCP, PolicyUse.RCP),
    "vpc_endpoint_policies": (PolicyType.ENDPOINT, PolicyUse.ENDPOINT),
}
RESOURCE_POLICIES = re.compile(r"(_policy|deny_sse-c)\.json$")
"""In the RCPs' subfolders: policies for services that RCPs do not support."""
NUMBERS = re.compile(r"<[^<>]*(account|account-[a-z])[^<>]*>", re.IGNORECASE)


def filled(text: str) -> str:
    """The text with every placeholder replaced by something of its kind."""
    text = re.sub(r"<[^<>]*cidr[^<>]*>", "203.0.113.0/24", text)
    text = text.replace("<third-party-resource>", "arn:aws:s3:::partner/*")
    text = re.sub(r"<[^<>]*resource-arn[^<>]*>", "arn:aws:s3:::partner/*", text)
    text = NUMBERS.sub("777777777777", text)
    text = re.sub(r'"<(my-)?action>"', '"s3:GetObject"', text)
    return re.sub(r"<[^<>]+>", "x1", text)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    checked, wrong = 0, 0
    for folder, (kind, use) in FOLDERS.items():
        for path in sorted((Path(sys.argv[1]) / folder).rglob("*.json")):
            nested = path.parent.name != folder and kind is PolicyType.RCP
            here = PolicyType.RESOURCE if nested and RESOURCE_POLICIES.search(path.name) else kind
            text = json.dumps(json.loads(filled(path.read_text())))
            checked += 1
            try:
                parse_policy(text, kind=here, label=path.name)
                if here is kind:
                    check_size(use, text)
            except (MalformedPolicy, PolicyTooLarge) as error:
                wrong += 1
                detail = getattr(error, "detail", "") or error
                print(f"{path.relative_to(sys.argv[1])}: {detail}")
    print(f"{checked} policies, {wrong} that do not load")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
