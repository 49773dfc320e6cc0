"""Asserting that a call is refused as AWS refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(code: str, message: str, call: Callable[..., Any], /, **params: Any) -> dict[str, Any]:
    """Call; the error must have this code and this text in its message. Gives botocore's parsed response."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"], error
    return caught.value.response
