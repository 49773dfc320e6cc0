"""libnftables through ctypes: commands in, one transaction per call. Only in the helper, which may crash.

nft 1.0.6 aborts the process when it *lists* a set of concatenated keys with two elements or more, so nothing is
ever listed through it; counters are read by netlink (`counters`).
"""

from __future__ import annotations

import ctypes
from functools import cache

LIBRARY = "libnftables.so.1"
REMEDY = "apt-get install -y libnftables1"


class NftablesError(RuntimeError):
    """nft refused a transaction; nothing of it was applied."""


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error", "nft_ctx_free"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


class Nftables:
    """nftables of the network namespace in which it was made."""

    def __init__(self) -> None:
        library = _library()
        self._context: int | None = library.nft_ctx_new(0)
        if not self._context:
            raise NftablesError("nft_ctx_new failed")
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def run(self, text: str) -> None:
        """Apply every command of `text`, or none."""
        library = _library()
        if library.nft_run_cmd_from_buffer(self._context, text.encode()) != 0:
            raise NftablesError(
                library.nft_ctx_get_error_buffer(self._context).decode(errors="replace")[:1000]
            )

    def close(self) -> None:
        if self._context is not None:
            _library().nft_ctx_free(self._context)
            self._context = None
