"""Namespaces that are made before they are asked for: which, how many, and what when none can be made."""

from __future__ import annotations

import os

import pytest

from casemate.dataplane.kernel import namespaces
from casemate.dataplane.kernel.namespaces import Held, Namespaces, Sysctls

ENDS, FORWARDS = (("ipv4/ip_forward", "0"),), (("ipv4/ip_forward", "1"),)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Sysctls]:
    """What was made, of a machine that lets anybody make namespaces."""
    found: list[Sysctls] = []

    def make(_self: Namespaces, sysctls: Sysctls) -> Held:
        found.append(sysctls)
        return Held(fd=os.open("/dev/null", os.O_RDONLY))

    monkeypatch.setattr(Namespaces, "_make", make)
    return found


def test_spares_are_like_the_one_asked_for_last_and_few(made: list[Sysctls]) -> None:
    held = Namespaces()
    assert not held.stock(), "nobody has asked for any"
    held.create("a", ENDS)
    while held.stock():
        pass
    assert made == [ENDS] * (1 + namespaces._SPARES)
    held.create("b", ENDS)
    assert len(made) == 1 + namespaces._SPARES, "it was there"
    held.create("c", FORWARDS)
    assert made[-1] == FORWARDS, "another kind is made when it is asked for"
    for name in ("a", "b", "c"):
        held.delete(name)
        assert name not in held


def test_a_machine_that_allows_no_more_is_asked_again_by_who_needs_one(
    monkeypatch: pytest.MonkeyPatch, made: list[Sysctls]
) -> None:
    held = Namespaces()
    held.create("a", ENDS)

    def refuse(_self: Namespaces, _sysctls: Sysctls) -> Held:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Namespaces, "_make", refuse)
    assert not held.stock()
    with pytest.raises(OSError, match="No space left"):
        held.create("b", ENDS)
    assert "b" not in held
