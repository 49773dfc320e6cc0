"""What botocore reads of its own read-only data, remembered from before the fork.

Making a client is most of a cold start with boto3, and most of that is botocore listing 400 service directories and
parsing the same JSON files. Neither can change: they lie on a read-only mount. Measured: 80 ms without, 35 ms with.
A copy of botocore that the function brings along is not touched.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_DATA = "/var/runtime/"


def install(warm: Callable[[], None]) -> None:
    """Run `warm`, note what botocore reads meanwhile, and give that to the next one who asks."""
    from botocore import loaders

    # Untyped: botocore has no annotations, and its stubs leave these methods out.
    loader: Any = loaders.Loader
    file_loader: Any = loaders.JSONFileLoader
    load, list_services = file_loader.load_file, loader.list_available_services
    read: set[str] = set()
    listed: dict[tuple[tuple[str, ...], str], list[str]] = {}

    def note_load(self: Any, path: str) -> Any:
        read.add(path)
        return load(self, path)

    def note_list(self: Any, type_name: str) -> list[str]:
        found: list[str] = list_services(self, type_name)
        listed[_places(self), type_name] = found
        return found

    file_loader.load_file, loader.list_available_services = note_load, note_list
    warm()
    parsed = {path: load(file_loader(), path) for path in read if path.startswith(_DATA)}

    def recall_load(self: Any, path: str) -> Any:
        # Handed out once, because whoever loads a model may change it; the next one reads the file.
        found = parsed.pop(path, None)
        return load(self, path) if found is None else found

    def recall_list(self: Any, type_name: str) -> list[str]:
        found = listed.get((_places(self), type_name))
        return list_services(self, type_name) if found is None else list(found)

    file_loader.load_file, loader.list_available_services = recall_load, recall_list


def _places(loader: Any) -> tuple[str, ...]:
    """The directories that a loader would look into."""
    return tuple(path for path in loader.search_paths if os.path.isdir(path))  # noqa: PTH112 - as botocore asks
