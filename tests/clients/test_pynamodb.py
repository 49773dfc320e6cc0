"""PynamoDB, unmodified: models, indexes, conditions, batches, transactions, optimistic locking, TTL attributes.

Its package does not carry its integration tests; these use the same features as its manual describes them
(https://pynamodb.readthedocs.io: quickstart, indexes, conditional operations, batch, transactions, optimistic locking).
What its repository's tests/integration asks of DynamoDB is here and in `test_pynamodb_models`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.attributes import (
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite
from tests.support.instance import REGION, Instance


class ByForum(GlobalSecondaryIndex[Any]):
    class Meta:
        index_name = "by-views"
        projection = AllProjection()
        read_capacity_units = 2
        write_capacity_units = 2

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByTime(LocalSecondaryIndex[Any]):
    class Meta:
        index_name = "by-time"
        projection = KeysOnlyProjection()

    forum = UnicodeAttribute(hash_key=True)
    posted = UTCDateTimeAttribute(range_key=True)


class Author(MapAttribute[str, Any]):
    name = UnicodeAttribute()
    posts = NumberAttribute(default=0)


class Post(Model):
    class Meta:
        table_name = "pynamodb-posts"
        region = REGION
        read_capacity_units = 5
        write_capacity_units = 5

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    posted = UTCDateTimeAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    author = Author(null=True)
    lines: Any = ListAttribute(null=True)
    expires = TTLAttribute(null=True)
    by_views = ByForum()
    by_time = ByTime()


class Account(Model):
    class Meta:
        table_name = "pynamodb-accounts"
        region = REGION
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    balance = NumberAttribute()
    version = VersionAttribute()


@pytest.fixture(scope="module", autouse=True)
def tables(instance: Instance) -> Iterator[None]:
    keys = instance.keys()
    for model in (Post, Account):
        meta: Any = model.Meta
        meta.host = instance.endpoint
        meta.aws_access_key_id = keys["access_key_id"]
        meta.aws_secret_access_key = keys["secret_access_key"]
        model.create_table(wait=True)
        assert model.exists()
    yield
    for model in (Post, Account):
        model.delete_table()


@pytest.fixture
def connection(instance: Instance) -> Connection:
    made = Connection(region=REGION, host=instance.endpoint)
    made.session.set_credentials(*instance.keys().values())
    return made


def test_an_item_comes_back_as_it_was_saved() -> None:
    posted = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)
    expires = datetime(2199, 1, 1, tzinfo=UTC)
    Post(
        "round-trip",
        "first",
        views=3,
        posted=posted,
        tags={"a", "b"},
        author=Author(name="Ada", posts=2),
        lines=["one", 2, {"three": None}],
        expires=expires,
    ).save()
    read = Post.get("round-trip", "first", consistent_read=True)
    assert (read.views, read.posted, read.tags, read.expires) == (3, posted, {"a", "b"}, expires)
    assert (read.author.name, read.author.posts) == ("Ada", 2)
    assert read.lines == ["one", 2, {"three": None}]
    read.delete()
    with pytest.raises(DoesNotExist):
        read.refresh()


def test_conditions_hold() -> None:
    post = Post("conditions", "only")
    post.save(condition=Post.subject.does_not_exist())
    with pytest.raises(PutError) as put:
        Post("conditions", "only").save(condition=Post.subject.does_not_exist())
    assert put.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(UpdateError):
        post.update(actions=[Post.views.set(1)], condition=Post.views > 10)
    with pytest.raises(DeleteError):
        post.delete(condition=Post.tags.contains("x") | Post.views.between(5, 6))
    post.delete(condition=(Post.views == 0) & Post.tags.does_not_exist())


def test_updates_change_what_they_name() -> None:
    post = Post("updates", "only", author=Author(name="Ada"), lines=["b"], tags={"x", "y"})
    post.save()
    post.update(
        actions=[
            Post.views.set(Post.views + 5),
            Post.lines.set(Post.lines.prepend(["a"])),
            Post.author.name.set("Grace"),
            Post.tags.delete({"x"}),
            Post.posted.set(Post.posted | datetime(2020, 1, 1, tzinfo=UTC)),
        ]
    )
    assert (post.views, post.lines, post.author.name, post.tags) == (5, ["a", "b"], "Grace", {"y"})
    post.update(actions=[Post.author.remove(), Post.views.add(-1)])
    assert (post.views, post.author) == (4, None)


def test_batches_queries_and_indexes_page_through_everything() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with Post.batch_write() as batch:
        for number in range(60):
            posted = start + timedelta(hours=60 - number)
            batch.save(Post("pages", f"{number:03}", views=number % 7, posted=posted))
    assert Post.count("pages") == 60
    pages = Post.query("pages", Post.subject.startswith("0"), page_size=7)
    assert [post.subject for post in pages] == [f"{number:03}" for number in range(60)]
    assert pages.last_evaluated_key is None
    newest = next(iter(Post.query("pages", scan_index_forward=False, limit=1)))
    assert newest.subject == "059"
    popular = list(Post.by_views.query("pages", Post.views >= 5, filter_condition=Post.subject != "005"))
    assert sorted(post.views for post in popular) == [5] * 7 + [6] * 8
    oldest = Post.by_time.query("pages", Post.posted < start + timedelta(hours=3))
    assert [post.subject for post in oldest] == ["059", "058"]
    got = Post.batch_get([("pages", f"{number:03}") for number in range(0, 120, 2)])
    assert len(list(got)) == 30
    scanned = [list(Post.scan(Post.forum == "pages", segment=n, total_segments=3)) for n in range(3)]
    assert sum(len(segment) for segment in scanned) == 60
    with Post.batch_write() as batch:
        for number in range(60):
            batch.delete(Post("pages", f"{number:03}"))
    assert Post.count("pages") == 0


def test_transactions_are_whole(connection: Connection) -> None:
    for owner, balance in (("ada", 10), ("grace", 0)):
        Account(owner, balance=balance).save()
    ada, grace = Account.get("ada"), Account.get("grace")
    with TransactWrite(connection=connection, client_request_token="move-ten") as move:
        move.update(ada, actions=[Account.balance.add(-10)], condition=Account.balance >= 10)
        move.update(grace, actions=[Account.balance.add(10)])
    with pytest.raises(TransactWriteError) as error, TransactWrite(connection=connection) as again:
        again.update(Account.get("ada"), actions=[Account.balance.add(-10)], condition=Account.balance >= 10)
        again.update(Account.get("grace"), actions=[Account.balance.add(10)])
    assert [reason and reason.code for reason in error.value.cancellation_reasons] == [
        "ConditionalCheckFailed",
        None,
    ]
    with TransactGet(connection=connection) as read:
        one, other = read.get(Account, "ada"), read.get(Account, "grace")
    assert (one.get().balance, other.get().balance) == (0, 10)


def test_an_old_version_is_not_saved_over_a_new_one() -> None:
    Account("linus", balance=1).save()
    mine, theirs = Account.get("linus"), Account.get("linus")
    mine.balance = 2
    mine.save()
    theirs.balance = 3
    with pytest.raises(PutError):
        theirs.save()
    assert Account.get("linus").balance == 2


def test_a_table_says_what_it_is(connection: Connection) -> None:
    table = connection.describe_table("pynamodb-posts")
    assert table["TableStatus"] == "ACTIVE"
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"by-views"}
    assert "pynamodb-posts" in connection.list_tables()["TableNames"]
