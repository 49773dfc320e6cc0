"""PartiQL through boto3: the statements of the Developer Guide's PartiQL pages, and what they refuse.

Pages: "PartiQL select / insert / update / delete statements for DynamoDB", "Use PartiQL functions with DynamoDB",
"PartiQL arithmetic, comparison, and logical operators for DynamoDB", "Performing transactions with PartiQL for DynamoDB",
"Running batch operations with PartiQL for DynamoDB", "IAM security policies with PartiQL for DynamoDB".
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud


@pytest.fixture
def music(client: Any) -> Any:
    names = ("Artist", "SongTitle", "Genre")
    client.create_table(
        TableName="Music",
        AttributeDefinitions=[
            *({"AttributeName": name, "AttributeType": "S"} for name in names),
            {"AttributeName": "Year", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "Artist", "KeyType": "HASH"},
            {"AttributeName": "SongTitle", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-genre",
                "KeySchema": [
                    {"AttributeName": "Genre", "KeyType": "HASH"},
                    {"AttributeName": "Year", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["Awards"]},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-year",
                "KeySchema": [
                    {"AttributeName": "Artist", "KeyType": "HASH"},
                    {"AttributeName": "Year", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def run(client: Any, statement: str, *parameters: Any, **more: Any) -> list[dict[str, Any]]:
    given = {"Parameters": list(parameters)} if parameters else {}
    return client.execute_statement(Statement=statement, **given, **more)["Items"]


def refused(client: Any, statement: str, *parameters: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as error:
        run(client, statement, *parameters, **more)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def fill(client: Any) -> None:
    songs = [
        ("Acme Band", "PartiQL Rocks", 2020, 9),
        ("Acme Band", "Zen", 2021, 1),
        ("Beyond", "Air", 2019, 4),
    ]
    for artist, song, year, awards in songs:
        run(
            client,
            f"INSERT INTO \"Music\" VALUE {{'Artist':'{artist}','SongTitle':'{song}','Year':?,'Awards':?,'Genre':'pop',"
            "'Detail':{'Grammys':[2020, 2018], 'Label': {'Name': 'Big'}}}",
            {"N": str(year)},
            {"N": str(awards)},
        )


def titles(items: list[dict[str, Any]]) -> list[str]:
    return [item["SongTitle"]["S"] for item in items]


# INSERT


def test_insert_makes_an_item_of_every_type(music: Any) -> None:
    made = run(
        music,
        "INSERT INTO Music value {'Artist' : 'It''s', \"SongTitle\": 'x', 'n': -1.5e3, 'yes': true, 'none': null, "
        "'list': [1, 'a', {'deep': []}], 'strings': <<'a','b'>>, 'numbers': <<1, 2>>, 'bytes': ?, 'given': <<?, ?>>}",
        {"B": b"\x00\xff"},
        {"S": "p"},
        {"S": "q"},
    )
    assert made == []
    item = music.get_item(TableName="Music", Key={"Artist": {"S": "It's"}, "SongTitle": {"S": "x"}})["Item"]
    assert item.pop("strings")["SS"] in (["a", "b"], ["b", "a"])
    assert set(item.pop("numbers")["NS"]) == {"1", "2"}
    assert set(item.pop("given")["SS"]) == {"p", "q"}
    assert item == {
        "Artist": {"S": "It's"},
        "SongTitle": {"S": "x"},
        "n": {"N": "-1500"},
        "yes": {"BOOL": True},
        "none": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"S": "a"}, {"M": {"deep": {"L": []}}}]},
        "bytes": {"B": b"\x00\xff"},
    }


def test_insert_never_replaces(music: Any) -> None:
    """ "If the DynamoDB table already has an item with the same primary key [...] DuplicateItemException"."""
    fill(music)
    message = refused(music, "INSERT INTO Music VALUE {'Artist':'Beyond','SongTitle':'Air'}")
    assert message == "DuplicateItemException: Duplicate primary key exists in table"


# SELECT


def test_select_reads_items_and_attributes(music: Any) -> None:
    fill(music)
    assert sorted(titles(run(music, 'SELECT * FROM "Music"'))) == ["Air", "PartiQL Rocks", "Zen"]
    where = "WHERE Artist='Acme Band' AND SongTitle = 'Zen'"
    assert run(music, f'SELECT Awards, Detail.Label, "Detail".Label.Name FROM Music {where}') == [
        {"Awards": {"N": "1"}, "Label": {"M": {"Name": {"S": "Big"}}}, "Name": {"S": "Big"}}
    ]
    assert run(music, f"SELECT Detail.Grammys[1], absent FROM Music {where};") == [
        {"Grammys[1]": {"N": "2018"}}
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("SongTitle > 'Q'", ["Zen"]),
        ("'Q' > SongTitle", ["PartiQL Rocks"]),
        ("SongTitle BETWEEN 'A' AND 'Q'", ["PartiQL Rocks"]),
        ("begins_with(SongTitle, 'Z')", ["Zen"]),
        ("BEGINS_WITH(\"SongTitle\", 'Z') AND Awards = 1", ["Zen"]),
        ("SongTitle IN ['Zen', 'Air']", ["Zen"]),
        ("SongTitle = 5", []),
        ("Awards != 9", ["Zen"]),
        ("Awards >= 1 AND NOT Awards < 9", ["PartiQL Rocks"]),
        ("(Awards = 1 OR Awards = 9) AND Awards <> 9", ["Zen"]),
        ("Awards NOT IN (9, 8)", ["Zen"]),
        ("Absent IS MISSING", ["PartiQL Rocks", "Zen"]),
        ("Awards IS NOT MISSING AND Awards IS NOT NULL", ["PartiQL Rocks", "Zen"]),
        ("contains(Detail.Grammys, 2018) AND size(Genre) = 3", ["PartiQL Rocks", "Zen"]),
        ("attribute_type(Awards, 'S')", []),
        ("Detail.Grammys[0] = 2020 AND Detail.Label.Name = 'Big'", ["PartiQL Rocks", "Zen"]),
    ],
)
def test_conditions_select(music: Any, condition: str, expected: list[str]) -> None:
    fill(music)
    assert titles(run(music, f"SELECT * FROM Music WHERE Artist = 'Acme Band' AND {condition}")) == expected


@pytest.mark.parametrize(
    ("where", "scans"),
    [
        ("Artist = 'Beyond'", False),
        ("Artist = 'Beyond' AND Awards = 4", False),
        ("Artist = 'Beyond' OR Artist = 'Acme Band'", False),
        ("Artist IN ['Beyond', 'Acme Band']", False),
        ("Artist > 'A'", True),
        ("Awards = 4", True),
        ("Artist = 'Beyond' OR Awards = 4", True),
    ],
)
def test_what_scans_the_whole_table_says_so_to_policies(
    cloud: DirectCloud, music: Any, where: str, scans: bool
) -> None:
    """The examples of "PartiQL select statements", in our table."""
    cloud.checks.clear()
    run(music, f"SELECT * FROM Music WHERE {where}")
    (check,) = cloud.checks
    assert check.action == "dynamodb:PartiQLSelect"
    assert check.context["dynamodb:FullTableScan"] == ("true" if scans else "false")
    assert ("dynamodb:LeadingKeys" in check.context) is not scans


def test_each_statement_has_its_action_and_its_keys(cloud: DirectCloud, music: Any) -> None:
    fill(music)
    cloud.checks.clear()
    run(music, "SELECT Awards FROM Music.\"by-genre\" WHERE Genre = 'pop'")
    run(music, "UPDATE Music SET x = 1 WHERE Artist = 'Beyond' AND SongTitle = 'Air' RETURNING ALL NEW *")
    run(music, "DELETE FROM Music WHERE Artist = 'Beyond' AND SongTitle = 'Air'")
    run(music, "INSERT INTO Music VALUE {'Artist': 'New', 'SongTitle': 'One', 'y': 2}")
    select, update, delete, insert = cloud.checks
    assert str(select.resource).endswith("table/Music/index/by-genre")
    assert select.context["dynamodb:LeadingKeys"] == ("pop",)
    assert select.context["dynamodb:Select"] == "SPECIFIC_ATTRIBUTES"
    assert set(select.context["dynamodb:Attributes"]) == {"Awards", "Genre"}
    assert (update.action, update.context["dynamodb:ReturnValues"]) == ("dynamodb:PartiQLUpdate", "ALL_NEW")
    assert set(update.context["dynamodb:Attributes"]) == {"Artist", "SongTitle", "x"}
    assert (delete.action, delete.context["dynamodb:LeadingKeys"]) == ("dynamodb:PartiQLDelete", ("Beyond",))
    assert (insert.action, insert.context["dynamodb:LeadingKeys"]) == ("dynamodb:PartiQLInsert", ("New",))
    assert set(insert.context["dynamodb:Attributes"]) == {"Artist", "SongTitle", "y"}


def test_order_and_indexes(music: Any) -> None:
    fill(music)
    acme = "SELECT * FROM Music WHERE Artist = 'Acme Band' ORDER BY SongTitle"
    assert titles(run(music, acme)) == ["PartiQL Rocks", "Zen"]
    assert titles(run(music, acme + " DESC")) == ["Zen", "PartiQL Rocks"]
    both = "SELECT * FROM Music WHERE Artist IN ['Beyond', 'Acme Band'] ORDER BY Artist DESC, SongTitle DESC"
    assert titles(run(music, both)) == ["Air", "Zen", "PartiQL Rocks"]
    recent = 'SELECT * FROM "Music"."by-genre" WHERE Genre = \'pop\' AND "Year" >= 2020 ORDER BY "Year" DESC'
    items = run(music, recent)
    assert titles(items) == ["Zen", "PartiQL Rocks"]
    assert items[0].keys() == {"Artist", "SongTitle", "Genre", "Year", "Awards"}
    local = 'SELECT Awards FROM Music."by-year" WHERE Artist = \'Acme Band\' AND "Year" = 2021'
    assert run(music, local) == [{"Awards": {"N": "1"}}]


def test_pages_go_on_where_they_ended(music: Any) -> None:
    for number in range(23):
        run(music, f"INSERT INTO Music VALUE {{'Artist':'A{number % 3}','SongTitle':'{number:02}'}}")
    for statement in ("SELECT * FROM Music", "SELECT * FROM Music WHERE Artist IN ['A0','A1','A2','A9']"):
        seen: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = music.execute_statement(Statement=statement, Limit=4, **token)
            assert len(page["Items"]) <= 4
            seen += titles(page["Items"])
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert sorted(seen) == [f"{number:02}" for number in range(23)]
    page = music.execute_statement(Statement="SELECT * FROM Music", Limit=4)
    assert page["LastEvaluatedKey"].keys() == {"Artist", "SongTitle"}
    other = refused(music, "SELECT Awards FROM Music", NextToken=page["NextToken"])
    assert other == "ValidationException: NextToken does not match request"
    assert refused(music, "SELECT * FROM Music", NextToken="?") == "ValidationException: Invalid NextToken"


def test_reading_costs_what_a_query_costs(music: Any) -> None:
    fill(music)
    for consistent, units in ((False, 0.5), (True, 1.0)):
        answer = music.execute_statement(
            Statement="SELECT * FROM Music WHERE Artist = 'Acme Band'",
            ConsistentRead=consistent,
            ReturnConsumedCapacity="TOTAL",
        )
        assert answer["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": units}


# UPDATE and DELETE


def test_update_sets_removes_and_returns(music: Any) -> None:
    fill(music)
    where = "WHERE Artist='Acme Band' AND SongTitle='PartiQL Rocks'"
    assert (
        run(music, f"UPDATE \"Music\" SET AwardsWon=1 SET AwardDetail={{'Grammys':[2020, 2018]}} {where}")
        == []
    )
    update = f"UPDATE Music SET AwardDetail.Grammys = list_append(AwardDetail.Grammys, [2016]) {where}"
    assert run(music, f"{update} RETURNING MODIFIED NEW *") == [
        {"AwardDetail": {"M": {"Grammys": {"L": [{"N": "2020"}, {"N": "2018"}, {"N": "2016"}]}}}}
    ]
    run(music, f"UPDATE Music SET Members = set_add(Members, <<'Ada', 'Grace'>>) {where}")
    (members,) = run(
        music, f"UPDATE Music SET Members = set_delete(Members, <<'Ada'>>) {where} RETURNING ALL NEW *"
    )
    assert members["Members"] == {"SS": ["Grace"]}
    (before,) = run(
        music,
        f"UPDATE Music SET AwardsWon = AwardsWon + ?, Genre = 'rock' REMOVE Members, Detail.Label {where} "
        "RETURNING ALL OLD *",
        {"N": "2"},
    )
    assert before["AwardsWon"] == {"N": "1"}
    (after,) = run(music, f"SELECT * FROM Music {where}")
    assert (after["AwardsWon"], after["Genre"]) == ({"N": "3"}, {"S": "rock"})
    assert "Members" not in after
    assert after["Detail"]["M"].keys() == {"Grammys"}


def test_update_changes_one_item_that_exists(music: Any) -> None:
    """ "If the WHERE clause [...] does not evaluate to true for any item [...] ConditionalCheckFailedException"."""
    fill(music)
    failed = "ConditionalCheckFailedException: The conditional request failed"
    assert refused(music, "UPDATE Music SET x = 1 WHERE Artist='none' AND SongTitle='none'") == failed
    assert (
        refused(music, "UPDATE Music SET x = 1 WHERE Artist='Beyond' AND SongTitle='Air' AND Awards = 5")
        == failed
    )
    assert len(run(music, "SELECT * FROM Music WHERE Artist = 'none'")) == 0
    for where in (
        "Artist='Beyond'",
        "Artist='Beyond' AND SongTitle > 'A'",
        "Artist='Beyond' OR SongTitle='Air'",
    ):
        assert refused(music, f"UPDATE Music SET x = 1 WHERE {where}") == (
            "ValidationException: Where clause does not contain a mandatory equality on all key attributes"
        )
    with pytest.raises(ClientError) as error:
        music.execute_statement(
            Statement="UPDATE Music SET x = 1 WHERE Artist='Beyond' AND SongTitle='Air' AND Awards = 5",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error.value.response["Item"]["Awards"] == {"N": "4"}


def test_delete_deletes_one_item(music: Any) -> None:
    fill(music)
    where = "WHERE Artist = 'Beyond' AND SongTitle = 'Air'"
    assert refused(music, f"DELETE FROM Music {where} AND Awards > 4").startswith("ConditionalCheckFailed")
    (gone,) = run(music, f"DELETE FROM Music {where} AND Awards = 4 RETURNING ALL OLD *")
    assert gone["Awards"] == {"N": "4"}
    assert run(music, f"DELETE FROM Music {where}") == []


# what is no statement


@pytest.mark.parametrize(
    "statement",
    [
        " ",
        "SELEC * FROM Music",
        "SELECT FROM Music",
        "SELECT * FROM",
        "SELECT * FROM Music WHERE",
        "SELECT * FROM Music WHERE Artist",
        "SELECT * FROM Music WHERE Artist = ",
        "SELECT * FROM Music WHERE (Artist = 'a'",
        "SELECT * FROM Music WHERE Artist = 'a",
        "SELECT * FROM Music WHERE Artist = 'a' more",
        "SELECT * FROM Music; SELECT * FROM Music",
        "SELECT count(*) FROM Music",
        "SELECT * FROM Music WHERE upper(Artist) = 'A'",
        "SELECT * FROM Music WHERE select = 1",
        "SELECT * FROM Music WHERE a[x] = 1",
        "SELECT * FROM Music WHERE a IS 5",
        "SELECT * FROM Music WHERE a = #b",
        "SELECT * FROM Music ORDER BY Artist",
        "SELECT * FROM Music WHERE Awards = 1 ORDER BY Artist",
        "SELECT * FROM Music WHERE Artist = 'a' ORDER BY Awards",
        "INSERT INTO Music VALUE 'x'",
        "INSERT INTO Music VALUE {'Artist':'a'}",
        "INSERT INTO Music VALUE {'Artist':'a','SongTitle':'b','s':<<>>}",
        "INSERT INTO Music VALUE {'Artist':'a','SongTitle':'b','s':<<1,'a'>>}",
        "INSERT INTO Music.\"by-year\" VALUE {'Artist':'a','SongTitle':'b'}",
        "UPDATE Music WHERE Artist='a' AND SongTitle='b'",
        "UPDATE Music SET Artist = 'z' WHERE Artist='a' AND SongTitle='b'",
        "UPDATE Music SET a = set_add(b, <<1>>) WHERE Artist='a' AND SongTitle='b'",
        "UPDATE Music SET a = 1 WHERE Artist='a' AND SongTitle='b' RETURNING SOME *",
        "DELETE FROM Music",
        "DELETE FROM Music WHERE Artist='a' AND SongTitle='b' RETURNING ALL NEW *",
        "EXISTS(SELECT * FROM Music WHERE Artist='a' AND SongTitle='b')",
        "SELECT * FROM Music WHERE " + "(" * 500 + "a = 1" + ")" * 500,
        "SELECT * FROM Music WHERE a = " + "[" * 500 + "]" * 500,
        "SELECT * FROM Music WHERE " + "NOT " * 500 + "a = 1",
        "SELECT * FROM Music WHERE Artist = ?",
        "SELECT * FROM Music.absent",
        "SELECT Detail FROM Music.\"by-genre\" WHERE Genre = 'pop'",
        "SELECT * FROM Music WHERE Artist IN []",
    ],
)
def test_what_is_no_statement_is_refused(music: Any, statement: str) -> None:
    assert refused(music, statement).startswith("ValidationException: ")


def test_a_table_that_is_not_there(music: Any) -> None:
    for statement in (
        "SELECT * FROM nowhere",
        "INSERT INTO nowhere VALUE {'a': 1}",
        "DELETE FROM nowhere WHERE a = 1",
    ):
        assert refused(music, statement) == "ResourceNotFoundException: Requested resource not found"


# batches and transactions


def test_a_batch_fails_statement_by_statement(music: Any) -> None:
    fill(music)
    answer = music.batch_execute_statement(
        Statements=[
            {"Statement": "INSERT INTO Music VALUE {'Artist':'a','SongTitle':'b'}"},
            {"Statement": "INSERT INTO Music VALUE {'Artist':'Beyond','SongTitle':'Air'}"},
            {
                "Statement": "UPDATE Music SET x = 1 WHERE Artist='Beyond' AND SongTitle='Air' AND Awards = ?",
                "Parameters": [{"N": "5"}],
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
            {"Statement": "DELETE FROM Music WHERE Artist='Beyond' AND SongTitle='Air' RETURNING ALL OLD *"},
            {"Statement": "DELETE FROM nowhere WHERE Artist='Beyond'"},
            {"Statement": "DELETE FROM Music WHERE Artist='Beyond'"},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    made, duplicate, failed, gone, missing, invalid = answer["Responses"]
    assert made == {"TableName": "Music"}
    assert duplicate["Error"]["Code"] == "DuplicateItem"
    assert failed["Error"]["Code"] == "ConditionalCheckFailed"
    assert failed["Error"]["Item"]["Awards"] == {"N": "4"}
    assert gone["Item"]["Awards"] == {"N": "4"}
    assert missing["Error"]["Code"] == "ResourceNotFound"
    assert invalid["Error"]["Code"] == "ValidationError"
    assert [used["TableName"] for used in answer["ConsumedCapacity"]] == ["Music"]
    read = music.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT Awards FROM Music WHERE Artist='Acme Band' AND SongTitle='Zen'"},
            {"Statement": "SELECT * FROM Music WHERE Artist='none' AND SongTitle='Zen'"},
            {"Statement": "SELECT * FROM Music WHERE Artist='Acme Band'"},
        ]
    )["Responses"]
    assert read[0]["Item"] == {"Awards": {"N": "1"}}
    assert read[1] == {"TableName": "Music"}
    assert "must specify the primary key in the where clause" in read[2]["Error"]["Message"]


def test_a_batch_reads_or_writes(music: Any) -> None:
    with pytest.raises(ClientError, match="all reads or all writes"):
        music.batch_execute_statement(
            Statements=[
                {"Statement": "SELECT * FROM Music WHERE Artist='a' AND SongTitle='b'"},
                {"Statement": "INSERT INTO Music VALUE {'Artist':'a','SongTitle':'b'}"},
            ]
        )


def test_a_transaction_is_whole(music: Any) -> None:
    fill(music)

    def transact(*statements: str, **more: Any) -> dict[str, Any]:
        return music.execute_transaction(
            TransactStatements=[{"Statement": text} for text in statements], **more
        )

    exists = "EXISTS(SELECT * FROM Music WHERE Artist='Acme Band' AND SongTitle='Zen' AND {})"
    insert = "INSERT INTO Music VALUE {'Artist':'a','SongTitle':'b'}"
    update = "UPDATE Music SET Awards = Awards + 1 WHERE Artist='Beyond' AND SongTitle='Air'"
    with pytest.raises(ClientError) as error:
        transact(exists.format("Awards IS MISSING"), insert, update)
    reasons = error.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed", "None", "None"]
    for _ in range(2):
        transact(exists.format("Awards = 1"), insert, update, ClientRequestToken="once")
    read = transact(
        "SELECT Awards FROM Music WHERE Artist='Beyond' AND SongTitle='Air'",
        "SELECT * FROM Music WHERE Artist='a' AND SongTitle='b'",
        ReturnConsumedCapacity="TOTAL",
    )
    assert [response.get("Item") for response in read["Responses"]] == [
        {"Awards": {"N": "5"}},
        {"Artist": {"S": "a"}, "SongTitle": {"S": "b"}},
    ]
    assert read["ConsumedCapacity"][0]["CapacityUnits"] == 4.0
    with pytest.raises(ClientError) as error:
        transact(insert)
    assert error.value.response["CancellationReasons"][0]["Code"] == "DuplicateItem"


def test_a_key_beyond_all_bounds_is_refused_in_its_place(orders: Any) -> None:
    statement = "SELECT * FROM orders WHERE customer = ? AND number = 1"
    answer = orders.batch_execute_statement(
        Statements=[{"Statement": statement, "Parameters": [{"S": text}]} for text in ("a" * 70_000, "a")]
    )
    assert [response.get("Error", {}).get("Code") for response in answer["Responses"]] == [
        "ValidationError",
        None,
    ]


@pytest.mark.parametrize("value", ["['x']", "true", "{'a': 1}", "<<1>>", "NULL", "1"])
def test_an_alternative_with_a_value_that_no_key_has_reads_nothing(music: Any, value: str) -> None:
    music.put_item(TableName="Music", Item={"Artist": {"S": "A"}, "SongTitle": {"S": "T"}})
    where = f"(Artist = {value} AND SongTitle = 'T') OR (Artist = 'A' AND SongTitle = 'T')"
    found = music.execute_statement(Statement=f"SELECT * FROM Music WHERE {where}")["Items"]
    assert [item["Artist"] for item in found] == [{"S": "A"}]


def test_a_token_deeper_than_can_be_read_is_none(music: Any) -> None:
    deep = b"\x93\xc4\x01a\x00\x81\xa1a\x81\xa1L" + b"\x91" * 5_000
    with pytest.raises(ClientError, match=r"ValidationException.*Invalid NextToken"):
        music.execute_statement(
            Statement="SELECT * FROM Music WHERE Artist = 'A'", NextToken=urlsafe_b64encode(deep).decode()
        )
