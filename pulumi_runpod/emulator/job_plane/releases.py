"""Releases: which changes of an endpoint make one, the record of each, and how far the newest has come.

The names in a diff are the service's internal ones; which PATCHes make a release it does not say (a switch decides).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Literal

from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.wire.model import JsonObject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS releases (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at REAL NOT NULL,
    diff TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS releases_by_endpoint ON releases (endpoint_id);
"""
FIRST_VERSION = 1

_CONTAINER: dict[tuple[str, ...], str] = {
    ("image",): "template.imageName",
    ("args",): "template.dockerArgs",
    ("env",): "template.env",
    ("disk",): "template.containerDiskInGb",
    ("ports",): "template.ports",
    ("registry",): "template.containerRegistryAuthId",
}
_PLACEMENT: dict[tuple[str, ...], str] = {
    ("gpu", "pools"): "gpuIds",
    ("gpu", "excludedTypes"): "excludedGpuTypes",
    ("gpu", "count"): "gpuCount",
    ("gpu", "allowedCudaVersions"): "allowedCudaVersions",
    ("gpu", "minCudaVersion"): "minCudaVersion",
    ("cpu",): "instanceIds",
    ("dataCenterIds",): "locations",
    ("networkVolumes",): "networkVolumeIds",
}
_SETTINGS: dict[tuple[str, ...], str] = {
    ("name",): "name",
    ("workers", "min"): "workers.min",
    ("workers", "max"): "workers.max",
    ("workers", "idleTimeout"): "idleTimeout",
    ("scaling",): "scaling",
    ("timeout",): "executionTimeoutMs",
    ("flashboot",): "flashBootType",
}
_FIELDS: dict[str, dict[tuple[str, ...], str]] = {
    "container": _CONTAINER,
    "placement": _CONTAINER | _PLACEMENT,
    "everything": _CONTAINER | _PLACEMENT | _SETTINGS,
}


def changes(
    old: JsonObject, new: JsonObject, fields: Literal["container", "placement", "everything"]
) -> list[JsonObject]:
    """What a release would record of this update, as `field`, `old`, `new`; empty: it makes none."""
    found: list[JsonObject] = []
    for path, name in _FIELDS[fields].items():
        before, after = _at(old, path), _at(new, path)
        if before != after:
            found.append({"field": name, "old": before, "new": after})
    return found


def _at(body: JsonObject, path: tuple[str, ...]) -> object:
    value: object = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


@dataclass(frozen=True)
class ReleaseRecord:
    """`created_at` in seconds since the epoch; `diff` as JSON text."""

    seq: int
    id: str
    version: int
    created_at: float
    diff: str


class Releases:
    """The first release of an endpoint is its creation: it has no row until a second one is made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute_script(_SCHEMA)

    def add(self, endpoint_id: str, version: int, now: float, diff: list[JsonObject]) -> None:
        self._store.connection.execute(
            "INSERT INTO releases (id, endpoint_id, version, created_at, diff) VALUES (?, ?, ?, ?, ?)",
            (f"rel_{secrets.token_hex(6)}", endpoint_id, version, now, json.dumps(diff)),
        )

    def page(self, endpoint_id: str, *, before: int | None, limit: int) -> list[ReleaseRecord]:
        """Newest first. The first release has `seq` 0."""
        rows = self._store.connection.execute(
            "SELECT seq, id, version, created_at, diff FROM releases WHERE endpoint_id = ? AND seq < ?"
            " ORDER BY seq DESC LIMIT ?",
            (endpoint_id, before if before is not None else 1 << 62, limit),
        )
        return [ReleaseRecord(*row) for row in rows]

    def forget_endpoint(self, endpoint_id: str) -> None:
        self._store.connection.execute("DELETE FROM releases WHERE endpoint_id = ?", (endpoint_id,))
