"""Releases: which changes of an endpoint make one, the record of each, and how far the newest has come.

The names in a diff are the service's internal ones; which PATCHes make a release it does not say (a switch decides).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.platform.clock import rfc3339
from pulumi_runpod.emulator.platform.pagination import parse_page
from pulumi_runpod.emulator.platform.problem import not_found
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject

if TYPE_CHECKING:
    from pulumi_runpod.emulator.job_plane.scheduler import Scheduler

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
    """What a release would tell of this update, as `field`, `old`, `new`; empty: it makes none."""
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


def routes(scheduler: Scheduler) -> list[Route]:
    """`GET /v2/serverless/{id}/releases` and `GET /v2/serverless/{id}/workers`."""
    platform, releases = scheduler.platform, scheduler.releases

    async def list_releases(request: Request) -> Response:
        endpoint_id: str = request.path_params["id"]
        fleet = scheduler.fleet(endpoint_id)
        if fleet is None:
            raise not_found(ENDPOINTS.kind)
        versions = [w.version for w in fleet.workers.values()]
        on_latest = versions.count(fleet.version)
        answer: JsonObject = {
            "endpointVersion": fleet.version,
            "rollout": {
                "inProgress": on_latest < len(versions),
                "workersOnLatest": on_latest,
                "workersTotal": len(versions),
                "percentOnLatest": round(100 * on_latest / len(versions)) if versions else 0,
            },
        }
        paginated = platform.switches.document != "2026-08"
        page = parse_page(request.url.path, request.query_params if paginated else {})
        records = releases.page(endpoint_id, before=page.before, limit=page.fetch)
        if len(records) < page.fetch and page.before != 0:
            first = ReleaseRecord(0, f"rel_{endpoint_id}", FIRST_VERSION, fleet.created_at, "[]")
            records.append(first)
        if paginated:
            answer["pagination"] = page.envelope([r.seq for r in records])
        answer["releases"] = [
            {
                "id": record.id,
                "version": record.version,
                "source": "MANUAL",
                "buildId": None,
                "createdByUserId": None,
                "workerCount": versions.count(record.version),
                "createdAt": rfc3339(record.created_at),
                "diff": json.loads(record.diff),
            }
            for record in records[: page.limit]
        ]
        return json_response(json.dumps(answer))

    async def list_workers(request: Request) -> Response:
        fleet = scheduler.fleet(request.path_params["id"])
        if fleet is None:
            raise not_found(ENDPOINTS.kind)
        now = platform.clock.now()
        workers = [
            {
                "id": worker.id,
                "status": worker.status,
                "isStale": worker.version != fleet.version,
                "version": worker.version,
                "gpuCount": worker.placement.gpu_count if worker.placement else _gpu_count(fleet.body),
                "image": worker.image or None,
                "uptimeSeconds": None if worker.started_at is None else max(0, int(now - worker.started_at)),
                "gpuTypeId": worker.placement.gpu_type_id if worker.placement else None,
                "dataCenterId": worker.placement.data_center_id if worker.placement else None,
                "startedAt": None if worker.started_at is None else rfc3339(worker.started_at),
            }
            for worker in fleet.workers.values()
        ]
        statuses = [w["status"] for w in workers]
        summary = {name.lower(): statuses.count(name) for name in _STATUSES} | {"total": len(workers)}
        answer = {"workers": workers, "summary": summary, "endpointVersion": fleet.version}
        return json_response(json.dumps(answer))

    return [
        methods("/v2/serverless/{id}/releases", {"GET": list_releases}),
        methods("/v2/serverless/{id}/workers", {"GET": list_workers}),
    ]


_STATUSES = ("RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY")


def _gpu_count(endpoint: JsonObject) -> int:
    gpu = endpoint.get("gpu")
    return int(gpu.get("count", 1)) if gpu else 0
