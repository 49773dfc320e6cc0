"""KMS's state: keys, aliases and grants in the store; key policies together with grants as the engine reads them."""

from __future__ import annotations

from dataclasses import replace

from casemate.model.arns import Arn
from casemate.policy.document import Policy
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import Principals
from casemate.servicekit.store import Store
from casemate.services.kms.grant_statements import with_grants
from casemate.services.kms.granting import is_token
from casemate.services.kms.key_statements import key_policy
from casemate.services.kms.material import KeyRing
from casemate.services.kms.records import AliasRecord, GrantRecord, KeyRecord, Material


class KmsState:
    """Keys by (Region, id), aliases by (account, Region, name), grants by (Region, key id, id)."""

    def __init__(
        self, store: Store, ring: KeyRing, clock: Clock, principals: Principals | None = None
    ) -> None:
        self.store = store
        self.keys = store.collection("kms.keys", KeyRecord)
        self.aliases = store.collection("kms.aliases", AliasRecord)
        self.grants = store.collection("kms.grants", GrantRecord)
        self.ring = ring
        self._clock = clock
        self._principals = principals
        self._policies: dict[str, tuple[KeyRecord, list[GrantRecord], Policy]] = {}

    def key(self, region: str, key_id: str) -> KeyRecord | None:
        """The key, in whatever account; None when there is none, or its waiting period is over."""
        record = self.keys.get(region, key_id)
        if record is None or self._is_gone(record):
            return None
        return record

    def keys_of(self, account: str, region: str) -> list[KeyRecord]:
        return [one for one in self.keys.values(region) if one.account == account and not self._is_gone(one)]

    def alias(self, account: str, region: str, name: str) -> AliasRecord | None:
        return self.aliases.get(account, region, name)

    def aliases_of(self, key: KeyRecord) -> list[AliasRecord]:
        return [one for one in self.aliases.values(key.account, key.region) if one.key_id == key.key_id]

    def grants_of(self, key: KeyRecord) -> list[GrantRecord]:
        return self.grants.values(*key.key)

    def grant_of(self, region: str, token: str) -> GrantRecord | None:
        """The grant that a token stands for."""
        return next((one for one in self.grants.values(region) if is_token(token, one)), None)

    def current(self, key: KeyRecord) -> KeyRecord:
        """The key as it is by now: rotated on each date that has passed meanwhile. Call inside a transaction.

        Nothing wakes to rotate: nobody can see the difference who only sees keys that went through here.
        """
        now = self._clock().timestamp()
        while key.state == "Enabled" and key.rotation is not None and now >= key.rotation.due:
            due = key.rotation.due
            key = self.rotate(replace(key, rotation=replace(key.rotation, since=due)), "AUTOMATIC", due)
        return key

    def rotate(self, key: KeyRecord, how: str, moment: float) -> KeyRecord:
        """Give the key new material, and keep it. Call inside a transaction."""
        made = self.ring.make(key.key_id, key.spec, moment)
        material = Material(
            material_id=made.material_id,
            wrapped=made.wrapped,
            created=made.created,
            rotation="AUTOMATIC" if how == "AUTOMATIC" else "ON_DEMAND",
        )
        rotated = replace(key, materials=(*key.materials, material))
        self.keys.put(rotated.key, rotated)
        return rotated

    def purge(self) -> None:
        """Destroy the material of keys whose waiting period is over, with their aliases and grants."""
        gone = [record for record in self.keys.values() if self._is_gone(record)]
        if not gone:
            return
        with self.store.transaction():
            for record in gone:
                self.keys.delete(*record.key)
                for alias in self.aliases_of(record):
                    self.aliases.delete(*alias.key)
                for grant in self.grants_of(record):
                    self.grants.delete(*grant.key)

    def is_principal(self, name: str) -> bool:
        """Whether a key policy can name it."""
        return self._principals is None or self._principals.is_principal(name)

    def resource_policy(self, arn: str) -> Policy | None:
        """What is attached to a key: its policy's statements, then one for each grant."""
        key = self._named(arn)
        if key is None:
            return None
        grants = self.grants_of(key)
        kept = self._policies.get(arn)
        # The same Policy object until the key or its grants change: policies are compared by identity.
        if kept is not None and kept[0] is key and kept[1] == grants:
            return kept[2]
        own = key_policy(key.policy, label=f"key policy of {arn}")
        made = with_grants(own, key, grants)
        self._policies[arn] = (key, grants, made)
        return made

    def spared_by_rcps(self, action: str, arn: str) -> bool:
        """What RCPs do not bind: AWS managed keys, and retiring a grant (Organizations User Guide, "Resources and entities
        not restricted by RCPs").
        """
        key = self._named(arn)
        return action == "kms:RetireGrant" or (key is not None and key.aws_managed)

    def _named(self, arn: str) -> KeyRecord | None:
        try:
            parsed = Arn.parse(arn)
        except ValueError:
            return None
        kind, _, key_id = parsed.resource.partition("/")
        record = self.key(parsed.region, key_id) if kind == "key" else None
        return record if record is not None and record.account == parsed.account else None

    def _is_gone(self, record: KeyRecord) -> bool:
        return record.deletion is not None and self._clock().timestamp() >= record.deletion
