"""botocore's service models, one at a time and only when asked."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from casemate.wire.service_index import ServiceEntry, ServiceIndex, default_index

if TYPE_CHECKING:
    from botocore.loaders import JSONFileLoader, Loader
    from botocore.model import ServiceModel


class ServiceModels:
    """Service models by botocore's name (`ec2`, `dynamodb`, `lambda`). Importing botocore waits for the first `get`."""

    def __init__(self, index: ServiceIndex | None = None) -> None:
        self.index = index or default_index()
        self._loader: Loader | None = None
        self._models: dict[str, ServiceModel] = {}

    def names(self) -> tuple[str, ...]:
        """Every service of the index."""
        return tuple(self.index.entries)

    def entry(self, name: str) -> ServiceEntry:
        """Endpoint prefix, signing name, target prefix and protocols of a service, without loading its model.

        KeyError when unknown.
        """
        return self.index.entries[name]

    def get(self, name: str) -> ServiceModel:
        """The model of a service; KeyError when botocore has none of that name."""
        model = self._models.get(name)
        if model is None:
            if name not in self.index.entries:
                raise KeyError(name)
            model = self._models[name] = self._load(name)
        return model

    def _load(self, name: str) -> ServiceModel:
        from botocore.loaders import Loader
        from botocore.model import ServiceModel

        if self._loader is None:
            # Only the models that botocore ships: a user's ~/.aws/models must not change what the server speaks.
            self._loader = Loader(
                extra_search_paths=[Loader.BUILTIN_DATA_PATH],
                include_default_search_paths=False,
                file_loader=cast("JSONFileLoader", _FrugalFileLoader()),  # by its two methods
            )
        # `load_service_model` would keep a second copy of the file; its merging of sdk-extras is not on the wire.
        path = f"{name}/{self._loader.determine_latest_version(name, 'service-2')}/service-2"
        description = self._loader.load_data(path)
        return ServiceModel(description, service_name=name)


class _FrugalFileLoader:
    """botocore's file loader, three times as fast and without the documentation (four fifths of a model's text)."""

    def exists(self, file_path: str) -> bool:
        return any(Path(file_path + suffix).is_file() for suffix in (".json", ".json.gz"))

    def load_file(self, file_path: str) -> dict[str, Any] | None:
        plain = Path(file_path + ".json")
        packed = Path(file_path + ".json.gz")
        if plain.is_file():
            raw = plain.read_bytes()
        elif packed.is_file():
            raw = gzip.decompress(packed.read_bytes())
        else:
            return None
        model = msgspec.json.decode(raw, type=dict[str, Any])
        del raw
        _strip_documentation(model)
        return model


def _strip_documentation(model: dict[str, Any]) -> None:
    for operation in model.get("operations", {}).values():
        operation.pop("documentation", None)
    for shape in model.get("shapes", {}).values():
        shape.pop("documentation", None)
        references = [*shape.get("members", {}).values()]
        references += [shape[part] for part in ("member", "key", "value") if part in shape]
        for reference in references:
            reference.pop("documentation", None)
