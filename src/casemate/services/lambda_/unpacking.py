"""What turns archives into directories: `casemate.execution.package` on one code root."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from casemate.execution.package import Package, unpack


class Unpacking(Struct, frozen=True, kw_only=True):
    """Directories below one root, named by what is in them."""

    root: Path

    def unpack(self, archive: bytes) -> Package:
        """A zip archive, unpacked; PackageError when it is not usable."""
        return unpack(archive, self.root)
