"""S3 API keys: an access key `user_...` and a secret `rps_...`, made here and unknown to the control plane.

A signature can only be checked by who knows the secret, so made keys are kept in clear in the store's private part. The
owner's key is derived from the owner's API key, so that a stack for the local RunPod can name it beforehand.
"""

from __future__ import annotations

import hmac
import secrets

from pulumi_runpod.emulator.platform.s3_owner_key import S3Key, derived
from pulumi_runpod.emulator.platform.store import Store

KIND = "s3 key"


class S3Keys:
    def __init__(self, store: Store, owner_digest: bytes) -> None:
        """`owner_digest` is the SHA-256 of the owner's API key."""
        self._store = store
        self._owner = derived(owner_digest)

    def add(self) -> S3Key:
        """Make a key: the only time that its secret is shown."""
        made = S3Key(f"user_{secrets.token_hex(14)[:27]}", f"rps_{secrets.token_hex(20)}")
        self._store.insert(KIND, made.access_key_id, {}, {"secret": made.secret_access_key})
        return made

    def ids(self) -> list[str]:
        """Access keys, the owner's first."""
        return [self._owner.access_key_id, *(row.id for row in self._store.list(KIND))]

    def remove(self, access_key_id: str) -> bool:
        """False for an unknown key, and for the owner's, which lives as long as the API key."""
        return self._store.delete(KIND, access_key_id)

    def secret_of(self, access_key_id: str) -> str | None:
        if hmac.compare_digest(access_key_id.encode(), self._owner.access_key_id.encode()):
            return self._owner.secret_access_key
        row = self._store.get(KIND, access_key_id)
        return str(row.private["secret"]) if row else None
