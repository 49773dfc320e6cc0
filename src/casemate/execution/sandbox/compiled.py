"""Modules that must be imported after the fork, compiled before it.

The runtime interface client reads the environment when it is imported, so every environment imports it anew. Package
installers such as uv leave no bytecode, and the sandbox could not write any: without this each cold start would compile
the same source (measured: 10 ms).
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType

MODULES = ("awslambdaric.bootstrap", "awslambdaric.lambda_runtime_client")


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's signature
        """The code, compiled already."""
        return self._code


class CompiledFinder(MetaPathFinder):
    """Finds `MODULES`. Put on `sys.meta_path` while they are imported."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, CodeType]] = {}
        for name in MODULES:
            spec = importlib.util.find_spec(name)
            if spec is not None and isinstance(spec.loader, SourceFileLoader) and spec.origin is not None:
                code = spec.loader.get_code(name)
                if code is not None:
                    self._found[name] = (spec.origin, code)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Importlib's question."""
        del path, target
        if fullname not in self._found:
            return None
        origin, code = self._found[fullname]
        return importlib.util.spec_from_file_location(
            fullname, origin, loader=_Loader(fullname, origin, code)
        )


_prepared: list[CompiledFinder] = []


def prepare() -> None:
    """Compile, before any fork."""
    _prepared.append(CompiledFinder())


@contextmanager
def used() -> Generator[None]:
    """While in this context, importing one of `MODULES` uses what was compiled."""
    sys.meta_path[:0] = _prepared
    try:
        yield
    finally:
        del sys.meta_path[: len(_prepared)]
