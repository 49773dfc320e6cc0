"""AWS Key Management Service: what a cloud whose access policies are real needs of it.

Modelled: symmetric and HMAC keys with their states and waiting periods, aliases, AWS managed keys made on first use, key
policies with the lockout check, grants with constraints, rotation, tags, and the cryptographic operations with
encryption contexts. Key policies and grants are evaluated by the same engine as all others; a key's policy must allow.

Not modelled, and refused: asymmetric keys, multi-Region keys, imported material, custom key stores, enclaves, grants by
service principal members and source ARN.

Key material is wrapped under a master key, a file of the data directory that only its owner reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from casemate.model.ids import RandomBytes
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import CallRecords, Principals
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.kms.material import MASTER_BYTES, KeyRing
from casemate.services.kms.registry import operations as registered
from casemate.services.kms.service_calls import ServiceCalls
from casemate.services.kms.service_keys import ServiceKeys
from casemate.services.kms.state import KmsState

__all__ = ["MASTER_BYTES", "Kms", "build"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kms:
    """The slice, and the port that other services use it by."""

    service: Service[KmsState]
    keys: ServiceKeys


def build(
    store: Store,
    *,
    master: bytes,
    clock: Clock,
    random_bytes: RandomBytes,
    records: CallRecords | None = None,
    principals: Principals | None = None,
) -> Kms:
    """The service. `master` wraps the keys' material; it must stay the same as long as `store` is kept.

    `records` has what other services ask of keys; None: nobody keeps it. `principals` says whom a key policy may name;
    None: anybody.
    """
    state = KmsState(store, KeyRing(master, random_bytes), clock, principals)
    state.purge()
    service = Service(
        operations=registered,
        state=state,
        resource_policies=state.resource_policy,
        resource_must_allow=True,
        spared_by_rcps=state.spared_by_rcps,
    )
    calls = ServiceCalls(records, clock=clock, random_bytes=random_bytes)
    return Kms(service=service, keys=ServiceKeys(state, calls))
