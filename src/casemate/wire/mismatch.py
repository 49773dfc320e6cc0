"""Input that does not have the shape the model gives it, before it is put in a service's words."""

from __future__ import annotations


class Mismatch(Exception):  # noqa: N818 - it names what is found, as StopIteration does
    """A value that is not of the type the model says. `path` is filled from the inside out while it propagates."""

    def __init__(self, message: str, *, value: str = "", expected: str = "") -> None:
        super().__init__(message)
        self.message = message
        """In the words of AWS's JSON front end."""
        self.value = value
        self.expected = expected
        """`Integer`, `Boolean`, ..."""
        self.path: list[str] = []

    def under(self, name: str) -> Mismatch:
        """This mismatch, seen from one level above."""
        self.path.insert(0, name)
        return self


class Incomplete(Exception):  # noqa: N818
    """Some required member is missing; which ones, a second and slower look tells."""
