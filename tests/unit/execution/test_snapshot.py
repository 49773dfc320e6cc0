"""What snapshots are made of, without any process."""

from __future__ import annotations

import itertools
import socket
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from casemate.execution.container_credentials import ContainerCredentials
from casemate.execution.function import RoleCredentials
from casemate.execution.runtime_api import Call, CallKind, Reply, parse
from casemate.execution.sandbox.snapshot.image import Image
from casemate.execution.sandbox.snapshot.mappings import PAGE, Mapping, change
from casemate.execution.sandbox.snapshot.mappings import parse as parse_mappings
from casemate.execution.sandbox.snapshot.open_files import OpenFile
from casemate.execution.sandbox.snapshot.pages import Runs, offsets, outside
from casemate.execution.sandbox.snapshot.pairs import partners

_KINDS = (("rw-p", ""), ("r--p", ""), ("r-xp", "/lib/a.so"), ("r-xp", "/lib/b.so"), ("r--p", "[vdso]"))


@st.composite
def _memory(draw: st.DrawFn) -> tuple[Mapping, ...]:
    """Mappings in order, with gaps."""
    edges = sorted(draw(st.sets(st.integers(0, 30), max_size=12)))
    found: list[Mapping] = []
    for start, end in itertools.pairwise(edges):
        kind = draw(st.one_of(st.none(), st.sampled_from(_KINDS[:4])))
        if kind is not None:
            rights, path = kind
            offset = draw(st.integers(0, 3)) * PAGE if path else 0
            found.append(Mapping(start=start * PAGE, end=end * PAGE, rights=rights, path=path, offset=offset))
    return tuple(found)


def _pages(mappings: tuple[Mapping, ...]) -> dict[int, tuple[str, str, int]]:
    """Page -> what is there: rights, file, offset in it."""
    return {
        page: (one.rights, one.path, one.offset + page - one.start if one.is_file else 0)
        for one in mappings
        for page in range(one.start, one.end, PAGE)
    }


@given(_memory(), _memory())
def test_a_change_makes_of_one_memory_the_other(
    present: tuple[Mapping, ...], wanted: tuple[Mapping, ...]
) -> None:
    pages, made = _pages(present), change(present, wanted)
    for start, end in made.remove:
        for page in range(start, end, PAGE):
            del pages[page]  # what is removed was there
    added = _pages(made.add)
    assert not {page for page in added if pages.get(page) == added[page]}, "nothing is mapped twice"
    assert pages | added == _pages(wanted)


def test_what_the_kernel_maps_is_left_alone() -> None:
    vdso = Mapping(start=PAGE, end=3 * PAGE, rights="r-xp", path="[vdso]")
    elsewhere = Mapping(start=4 * PAGE, end=6 * PAGE, rights="r-xp", path="[vdso]")
    assert change([vdso], [elsewhere]).add == ()
    assert change([vdso], []).remove == ()


def test_lines_of_proc() -> None:
    """Lines as proc(5) has them."""
    text = (
        "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a file\n"
        "7ffc0000-7ffd0000 rw-p 00000000 00:00 0           [stack]\n"
        "7ffe0000-7ffe1000 rw-s 00000000 00:00 0 \n"
    )
    file, stack, shared = parse_mappings(text)
    assert (file.path, file.offset, file.is_file) == ("/usr/bin/a file", 0x1000, True)
    assert (stack.path, stack.is_file, stack.is_kernels) == ("[stack]", False, False)
    assert (shared.rights, shared.path) == ("rw-s", "")
    assert file.piece(0x401000, 0x402000).offset == 0x2000


def _runs() -> st.SearchStrategy[Runs]:
    edges = st.sets(st.integers(0, 40), max_size=12).map(sorted)
    return edges.map(lambda found: list(zip(found[::2], found[1::2], strict=False)))


@given(_runs(), _runs())
def test_what_is_outside(runs: Runs, others: Runs) -> None:
    def numbers(given: Runs) -> set[int]:
        return {number for start, end in given for number in range(start, end)}

    assert numbers(outside(runs, others)) == numbers(runs) - numbers(others)


def test_pages_lie_one_behind_the_other() -> None:
    assert offsets([(100, 110), (200, 205), (205, 206)]) == [0, 10, 15]


def test_an_image_survives_its_description() -> None:
    image = Image(
        mappings=(Mapping(start=PAGE, end=2 * PAGE, rights="rw-p", path="/tmp/\udcff"),),
        own=[(PAGE, 2 * PAGE)],
        general=b"\0\xff",
        extended=b"\1",
        blocked=3,
        actions={2: b"\7" * 32},
        files=(OpenFile(number=5, path="/var/task/app.py", flags=0o2000000, position=7),),
        directory="/var/task",
        umask=0o22,
    )
    assert Image.from_json(image.to_json()) == image


def test_credentials_are_for_who_shows_the_token() -> None:
    call = parse("GET", "/2021-04-23/credentials", headers={"authorization": "secret"})
    assert isinstance(call, Call)
    assert call.kind is CallKind.CREDENTIALS
    now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    given = RoleCredentials(access_key_id="A", secret_access_key="S", session_token="T")
    reply = ContainerCredentials(given, "secret", now=now, for_snapshot=True).answer(call)
    assert reply == Reply(
        status=200,
        body=b'{"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": "2026-11-21T09:05:00Z"}',
    )
    assert ContainerCredentials(given, "other", now=now, for_snapshot=True).answer(call).status == 404


def test_the_two_ends_of_a_pair_are_found_by_a_byte() -> None:
    first, second = socket.socketpair(), socket.socketpair()
    lone, gone = socket.socketpair()
    gone.close()
    busy, sender = socket.socketpair()
    sender.send(b"waiting")
    numbered = dict(enumerate((first[0], second[0], second[1], lone, first[1], busy, sender)))
    assert partners(numbered) == {0: 4, 4: 0, 1: 2, 2: 1}
    for one in (*first, *second, lone, busy, sender):
        one.close()
