"""What turns archives into directories: `casemate.execution.package` on one code root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from casemate.execution.package import Package, unpack


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacking:
    """Directories below one root, named by what is in them."""

    root: Path

    def unpack(self, archive: bytes) -> Package:
        """A zip archive, unpacked; PackageError when it is not usable."""
        return unpack(archive, self.root)
