from __future__ import annotations

import json

import pytest

from casemate.policy.decision import PolicyType
from casemate.policy.parser import parse_policy
from casemate.policy.positions import statement_spans
from casemate.policy.references import referenced_keys

ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def spans(document: str) -> list[tuple[int, int, int, int]]:
    found = statement_spans(document)
    return [(each.start.line, each.start.column, each.end.line, each.end.column) for each in found]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # What AWS answers about AdministratorAccess, quoted in many places: 3:17 to 8:6.
        (json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}, indent=2), [(3, 17, 8, 6)]),
        # The example of the AWS CLI's simulate-principal-policy page is laid out with four spaces: 3:19 to line x:10.
        (json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}, indent=4), [(3, 19, 8, 10)]),
        ('{"Version":"2012-10-17","Statement":[{"a":1},{"b":[2]}]}', [(1, 38, 1, 45), (1, 46, 1, 55)]),
        ('{"Statement":{"a":"}]{"},"Version":"2012-10-17"}', [(1, 14, 1, 25)]),
        ('{"Id":"\\"Statement\\":[","Statement" : [ {"a":1}\n,\n{"b":2} ] }', [(1, 40, 1, 48), (2, 2, 3, 8)]),
    ],
)
def test_where_statements_are(document: str, expected: list[tuple[int, int, int, int]]) -> None:
    assert spans(document) == expected


def test_the_keys_that_a_policy_reads() -> None:
    policy = parse_policy(
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "s3:*",
                        "Resource": "arn:aws:s3:::b/${aws:username}/${*}/${aws:PrincipalTag/team, 'none'}",
                        "Condition": {
                            "StringEquals": {
                                "aws:SourceVpc": "${aws:PrincipalTag/vpc}",
                                "AWS:sourcevpc": "x",
                            },
                            "NumericLessThan": {"s3:max-keys": "${aws:userid}"},
                        },
                    }
                ],
            }
        ),
        kind=PolicyType.IDENTITY,
        label="p",
    )
    assert referenced_keys([policy]) == (
        "aws:username",
        "aws:PrincipalTag/team",
        "aws:SourceVpc",
        "aws:PrincipalTag/vpc",
        "s3:max-keys",
    )


def test_an_older_version_has_no_variables() -> None:
    text = '{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}}'
    assert referenced_keys([parse_policy(text, kind=PolicyType.IDENTITY, label="p")]) == ()
