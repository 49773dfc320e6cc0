"""The AWS CLI on tables, as the DynamoDB Developer Guide's "Getting started" and "Using the AWS CLI" pages type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.instance import REGION, Instance

Aws = Callable[..., Any]


@pytest.fixture
def aws(instance: Instance, tmp_path: Path) -> Aws:
    keys = instance.keys()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": instance.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "AWS_PAGER": "",
    }

    def run(*arguments: str, code: int = 0) -> Any:
        argv = [str(Path(sys.executable).parent / "aws"), *arguments, "--output", "json"]
        ran = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        if code:
            return ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    return run


def test_the_getting_started_page_works_verbatim(aws: Aws, tmp_path: Path) -> None:
    aws(
        *("dynamodb", "create-table", "--table-name", "Music", "--attribute-definitions"),
        *("AttributeName=Artist,AttributeType=S", "AttributeName=SongTitle,AttributeType=S", "--key-schema"),
        *("AttributeName=Artist,KeyType=HASH", "AttributeName=SongTitle,KeyType=RANGE"),
        *(
            "--provisioned-throughput",
            "ReadCapacityUnits=5,WriteCapacityUnits=5",
            "--table-class",
            "STANDARD",
        ),
    )
    aws("dynamodb", "wait", "table-exists", "--table-name", "Music")
    described = aws("dynamodb", "describe-table", "--table-name", "Music", "--query", "Table.TableStatus")
    assert described == "ACTIVE"
    for song, awards in (("Call Me Today", "1"), ("Howdy", "2"), ("Happy Day", "10")):
        item = {"Artist": {"S": "No One You Know"}, "SongTitle": {"S": song}, "Awards": {"N": awards}}
        aws("dynamodb", "put-item", "--table-name", "Music", "--item", json.dumps(item))
    key = '{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Happy Day"}}'
    got = aws("dynamodb", "get-item", "--consistent-read", "--table-name", "Music", "--key", key)
    assert got["Item"]["Awards"] == {"N": "10"}
    updated = aws(
        *("dynamodb", "update-item", "--table-name", "Music", "--key", key),
        *("--update-expression", "SET AlbumTitle = :newval"),
        *("--expression-attribute-values", '{":newval":{"S":"Updated Album Title"}}'),
        *("--return-values", "ALL_NEW"),
    )
    assert updated["Attributes"]["AlbumTitle"] == {"S": "Updated Album Title"}
    found = aws(
        *("dynamodb", "query", "--table-name", "Music", "--key-condition-expression", "Artist = :name"),
        *("--expression-attribute-values", '{":name":{"S":"No One You Know"}}', "--page-size", "1"),
    )
    assert found["Count"] == 3
    first = aws("dynamodb", "scan", "--table-name", "Music", "--max-items", "2")
    rest = aws("dynamodb", "scan", "--table-name", "Music", "--starting-token", first["NextToken"])
    assert len(first["Items"]) + len(rest["Items"]) == 3
    index = {
        "Create": {
            "IndexName": "AlbumTitle-index",
            "KeySchema": [{"AttributeName": "AlbumTitle", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 5},
            "Projection": {"ProjectionType": "ALL"},
        }
    }
    aws(
        *("dynamodb", "update-table", "--table-name", "Music", "--attribute-definitions"),
        *(
            "AttributeName=AlbumTitle,AttributeType=S",
            "--global-secondary-index-updates",
            json.dumps([index]),
        ),
    )
    aws("dynamodb", "wait", "table-exists", "--table-name", "Music")
    by_album = aws(
        *("dynamodb", "query", "--table-name", "Music", "--index-name", "AlbumTitle-index"),
        *("--key-condition-expression", "AlbumTitle = :name"),
        *("--expression-attribute-values", '{":name":{"S":"Updated Album Title"}}'),
    )
    assert [item["SongTitle"]["S"] for item in by_album["Items"]] == ["Happy Day"]
    statement = 'SELECT SongTitle FROM Music."AlbumTitle-index" WHERE AlbumTitle = ?'
    chosen = aws(
        *("dynamodb", "execute-statement", "--statement", statement),
        *("--parameters", '[{"S":"Updated Album Title"}]'),
    )
    assert chosen["Items"] == [{"SongTitle": {"S": "Happy Day"}}]
    batch = tmp_path / "batch.json"
    delete = [{"DeleteRequest": {"Key": json.loads(key)}}]
    batch.write_text(json.dumps({"Music": delete}))
    left = aws("dynamodb", "batch-write-item", "--request-items", f"file://{batch}")
    assert left["UnprocessedItems"] == {}
    aws("dynamodb", "delete-table", "--table-name", "Music")
    aws("dynamodb", "wait", "table-not-exists", "--table-name", "Music")


def test_errors_are_the_clis_own(aws: Aws) -> None:
    missing = aws("dynamodb", "get-item", "--table-name", "none", "--key", '{"a":{"S":"b"}}', code=255)
    assert (
        "An error occurred (ResourceNotFoundException) when calling the GetItem operation: "
        "Requested resource not found" in missing
    )
