"""Cold starts in phases: image pull, container start, and the real load of the real worker. The first two are simulated
here, since a process of this machine has neither; each start is recorded and served.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.platform.clock import rfc3339
from pulumi_runpod.emulator.platform.job_switches import JobSwitches
from pulumi_runpod.emulator.platform.problem import not_found
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.wire.endpoint import ENDPOINTS

if TYPE_CHECKING:
    from pulumi_runpod.emulator.platform.state import Platform

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cold_starts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    image TEXT NOT NULL,
    flashboot INTEGER NOT NULL,
    began_at REAL NOT NULL,
    image_pull REAL NOT NULL,
    container_start REAL NOT NULL,
    load REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS cold_starts_by_endpoint ON cold_starts (endpoint_id);
"""
KEPT_PER_ENDPOINT = 1000


@dataclass(frozen=True)
class Phases:
    """Seconds of the phases before the worker's own program runs."""

    image_pull: float
    container_start: float


def phases(switches: JobSwitches, *, flashboot: bool, slow_pull_factor: float = 1.0) -> Phases:
    """What a start costs before the load. FlashBoot spares both."""
    if flashboot:
        return Phases(0.0, 0.0)
    pull = switches.image_size_gb / switches.registry_gb_per_second * slow_pull_factor
    return Phases(pull / switches.cold_start_speed, switches.container_start / switches.cold_start_speed)


@dataclass(frozen=True)
class ColdStart:
    """One start that ended in a ready worker. Durations in seconds of the clock."""

    endpoint_id: str
    worker_id: str
    version: int
    image: str
    flashboot: bool
    began_at: float
    image_pull: float
    container_start: float
    load: float


class ColdStarts:
    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute_script(_SCHEMA)

    def record(self, start: ColdStart) -> None:
        self._store.eventually(lambda: self._write(start))

    def _write(self, start: ColdStart) -> None:
        with self._store.atomic():
            self._store.connection.execute(
                "INSERT INTO cold_starts (endpoint_id, worker_id, version, image, flashboot, began_at, image_pull,"
                " container_start, load) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    start.endpoint_id,
                    start.worker_id,
                    start.version,
                    start.image,
                    start.flashboot,
                    start.began_at,
                    start.image_pull,
                    start.container_start,
                    start.load,
                ),
            )
            self._store.connection.execute(
                "DELETE FROM cold_starts WHERE endpoint_id = ? AND seq <= (SELECT max(seq) FROM cold_starts WHERE"
                " endpoint_id = ?) - ?",
                (start.endpoint_id, start.endpoint_id, KEPT_PER_ENDPOINT),
            )

    def of(self, endpoint_id: str) -> list[ColdStart]:
        """Newest first."""
        rows = self._store.connection.execute(
            "SELECT endpoint_id, worker_id, version, image, flashboot, began_at, image_pull, container_start, load"
            " FROM cold_starts WHERE endpoint_id = ? ORDER BY seq DESC",
            (endpoint_id,),
        )
        return [ColdStart(*row) for row in rows]

    def forget_endpoint(self, endpoint_id: str) -> None:
        self._store.connection.execute("DELETE FROM cold_starts WHERE endpoint_id = ?", (endpoint_id,))


def routes(platform: Platform) -> list[Route]:
    """`GET /_emulator/endpoints/{id}/cold-starts`: durations in milliseconds."""
    starts = ColdStarts(platform.store)

    async def listed(request: Request) -> Response:
        endpoint_id = request.path_params["id"]
        if platform.store.text(ENDPOINTS.kind, endpoint_id) is None:
            raise not_found(ENDPOINTS.kind)
        items = [_fields(start) for start in starts.of(endpoint_id)]
        return json_response(json.dumps({"coldStarts": items}))

    return [methods("/_emulator/endpoints/{id}/cold-starts", {"GET": listed})]


def _fields(start: ColdStart) -> dict[str, object]:
    phase_ms = {
        "imagePull": round(start.image_pull * 1000),
        "containerStart": round(start.container_start * 1000),
        "load": round(start.load * 1000),
    }
    return {
        "workerId": start.worker_id,
        "version": start.version,
        "image": start.image,
        "flashboot": bool(start.flashboot),
        "beganAt": rfc3339(start.began_at),
        "phasesMs": phase_ms,
        "totalMs": sum(phase_ms.values()),
    }
