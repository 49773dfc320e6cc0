"""A glance at every service of botocore: what its model has and the twenty of the other tests do not."""

from __future__ import annotations

from random import Random

from tests.properties.wire.test_wire_requests import SERVICES, check, values

from casemate.wire.models import ServiceModels


def test_some_operations_of_every_service_survive_the_trip() -> None:
    models = ServiceModels()
    tried = 0
    for service in models.names():
        if service in SERVICES:
            continue
        model = models._load(service)  # not kept: 430 models would stay in memory
        protocol = str(model.metadata["protocol"])
        random = Random(service)
        for name in random.sample(model.operation_names, min(4, len(model.operation_names))):
            operation = model.operation_model(name)
            if operation.has_event_stream_input or operation.input_shape is None:
                continue
            tried += 1
            check(operation, protocol, values(random, protocol, 0.5).of(operation.input_shape))
    assert tried > 1000
