"""The S3 key that belongs to an API key: derived, so that both are known where one is."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True)
class S3Key:
    access_key_id: str
    secret_access_key: str = field(repr=False)


def owner_key(api_key: str) -> S3Key:
    """The S3 key that belongs to an owner's API key: the same for the same key, always."""
    return derived(hashlib.sha256(api_key.encode("utf-8", "replace")).digest())


def derived(digest: bytes) -> S3Key:
    def word(purpose: bytes, length: int) -> str:
        return hmac.new(digest, purpose, hashlib.sha256).hexdigest()[:length]

    return S3Key(f"user_{word(b's3 access key', 27)}", f"rps_{word(b's3 secret', 40)}")
