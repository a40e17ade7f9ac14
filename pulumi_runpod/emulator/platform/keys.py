"""API keys: full, read-only, or restricted per part of the API and per endpoint, as the service's console makes them.

Keys are kept as SHA-256 digests only. No key ever reaches a log, an error or the store in clear.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pulumi_runpod.emulator.platform.store import Store

Level = Literal["all", "read", "restricted"]
Access = Literal["none", "read", "write"]
KIND = "api key"
_RANK: Mapping[Access, int] = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True)
class Key:
    """`control` is the access of a restricted key to the control plane; `endpoints` its access to job URLs by endpoint
    id, `*` for all others."""

    id: str
    level: Level = "all"
    control: Access = "none"
    endpoints: Mapping[str, Access] = field(default_factory=dict)

    def may_control(self, *, write: bool) -> bool:
        return self._reaches(self.control, write=write)

    def may_run(self, endpoint_id: str, *, write: bool) -> bool:
        """Job URLs: `write` is everything that submits, cancels, retries or purges."""
        return self._reaches(self.endpoints.get(endpoint_id, self.endpoints.get("*", "none")), write=write)

    def _reaches(self, access: Access, *, write: bool) -> bool:
        if self.level == "all":
            return True
        if self.level == "read":
            return not write
        return _RANK[access] >= (2 if write else 1)


class Keys:
    """The keys that are known: the owner's, and those made through the control API, which survive a restart."""

    def __init__(self, store: Store, owner: str) -> None:
        """`owner` is the key with full access. Raises ValueError when it cannot be sent in a header."""
        if not owner or not owner.isascii() or any(c.isspace() for c in owner):
            raise ValueError("an API key is one word of ASCII characters")
        self._store = store
        self._owner = _digest(owner)
        self._keys: dict[bytes, Key] = {}
        self.load()

    def load(self) -> None:
        """Read the keys from the store again, as after a reset."""
        self._keys = {self._owner: Key(id="owner")}
        for row in self._store.list(KIND):
            self._keys[bytes.fromhex(row.private["sha256"])] = Key(id=row.id, **row.body)

    @property
    def owner_digest(self) -> bytes:
        """SHA-256 of the owner's key: what other keys of the owner are derived from."""
        return self._owner

    def add(self, *, level: Level, control: Access = "none", endpoints: Mapping[str, Access] | None = None) -> str:
        """Make a key and return it: the only time it is shown."""
        text = "rpa_" + secrets.token_hex(20).upper()
        key_id = secrets.token_hex(5)
        body = {"level": level, "control": control, "endpoints": dict(endpoints or {})}
        self._store.insert(KIND, key_id, body, {"sha256": _digest(text).hex()})
        self.load()
        return text

    def of_header(self, header: str | None) -> Key | None:
        """Control plane: `Bearer KEY`. None: no key, malformed or unknown."""
        if header is None or header[:7].lower() != "bearer ":
            return None
        return self._keys.get(_digest(header[7:].strip()))

    def of_job_header(self, header: str | None) -> Key | None:
        """Job API: `Bearer KEY`, or the bare key."""
        if header is None:
            return None
        return self.of_header(header) or self._keys.get(_digest(header.strip()))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
