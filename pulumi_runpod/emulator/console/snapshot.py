"""What the console shows of the platform, section by section, as JSON values. Reads alone; each section is cheap enough
to be made several times a second beside a busy job plane, whatever the size of payloads.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass

from pulumi_runpod.emulator.console.history import Span, WorkerCounts
from pulumi_runpod.emulator.control_plane.rules.endpoint import request_urls
from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.release import WorkerStatus

JOBS_SHOWN = 12
COLD_STARTS_SHOWN = 8
GONE_WORKERS_SHOWN = 10
SPANS_READ = 5000
"""Newest jobs from which charts of the past are drawn."""
_PREVIEW_CHARACTERS = 160
_SEARCHED = 5000
"""Newest jobs among which those of one endpoint are looked for."""
_STATUSES: tuple[WorkerStatus, ...] = ("RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY")


def worker_counts(fleet: Fleet) -> WorkerCounts:
    statuses = [worker.status for worker in fleet.workers.values()]
    running, idle, initializing, throttled, unhealthy = (statuses.count(name) for name in _STATUSES)
    return running, idle, initializing, throttled, unhealthy


def endpoints(scheduler: Scheduler) -> list[JsonObject]:
    """Newest first."""
    return [_endpoint(scheduler, fleet) for fleet in reversed(scheduler.fleets)]


def _endpoint(scheduler: Scheduler, fleet: Fleet) -> JsonObject:
    body, tally = fleet.body, scheduler.jobs.activity.tally(fleet.endpoint_id)
    urls: JsonObject = json.loads(request_urls(scheduler.platform.base_url, fleet.endpoint_id, body["type"]))
    return {
        "id": fleet.endpoint_id,
        "name": body["name"],
        "type": body["type"],
        "image": body.get("image") or "",
        "version": fleet.version,
        "scaling": body["scaling"],
        "limits": body["workers"],
        "gpu": body.get("gpu"),
        "cpu": body.get("cpu"),
        "timeoutMs": fleet.default_timeout_ms,
        "flashboot": body.get("flashboot", "OFF"),
        "workers": worker_counts(fleet),
        "outdated": sum(worker.version != fleet.version for worker in fleet.workers.values()),
        "queued": fleet.queued,
        "running": fleet.running,
        "completed": tally.completed,
        "failed": tally.failed,
        "retried": tally.retried,
        "requestUrls": urls,
    }


def workers(scheduler: Scheduler) -> JsonObject:
    """`active` workers, and ids of some that are `gone` but whose log can be read; why none runs as a container."""
    active: list[JsonObject] = []
    gone: list[JsonObject] = []
    for fleet in scheduler.fleets:
        for worker in fleet.workers.values():
            placement = worker.placement
            active.append(
                {
                    "id": worker.id,
                    "endpointId": fleet.endpoint_id,
                    "status": worker.status,
                    "phase": worker.phase,
                    "outdated": worker.version != fleet.version,
                    "version": worker.version,
                    "jobs": len(worker.jobs) + worker.requests,
                    "bornAt": worker.born_at,
                    "startedAt": worker.started_at,
                    "gpuTypeId": placement.gpu_type_id if placement else None,
                    "gpuCount": placement.gpu_count if placement else 0,
                    "vcpuCount": placement.vcpu_count if placement else 0,
                    "dataCenterId": placement.data_center_id if placement else None,
                    "usdPerHour": placement.usd_per_second * 3600 if placement and worker.meter else 0,
                }
            )
        logs = [i for i in scheduler.logs.of_endpoint(fleet.endpoint_id) if i not in fleet.workers]
        gone += [{"id": i, "endpointId": fleet.endpoint_id} for i in reversed(logs[-GONE_WORKERS_SHOWN:])]
    return {"active": active[::-1], "gone": gone[:GONE_WORKERS_SHOWN], "uncontained": scheduler.uncontained()}


@dataclass(frozen=True)
class Preview:
    """The beginning of an output's JSON text; how long it is, in characters; whether it holds an image."""

    text: str
    length: int
    image: bool


class JobList:
    """The newest jobs. Outputs are looked at once: they may be megabytes."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._previews: OrderedDict[tuple[str, int, float | None], Preview | None] = OrderedDict()

    def newest(self, endpoint_id: str) -> list[JsonObject]:
        """Of one endpoint; of all with an empty id. Newest first."""
        rows = self._scheduler.platform.store.connection.execute(
            "SELECT seq, id, endpoint_id, status, created_at, queued_at, expires_at, started_at, finished_at,"
            " worker_id, retries, webhook_left, error FROM jobs"
            " WHERE seq > (SELECT coalesce(max(seq), 0) FROM jobs) - ? AND endpoint_id = coalesce(?, endpoint_id)"
            " ORDER BY seq DESC LIMIT ?",
            (_SEARCHED, endpoint_id or None, JOBS_SHOWN),
        )
        return [self._job_fields(Job(*row)) for row in rows.fetchall()]

    def _job_fields(self, job: Job) -> JsonObject:
        preview = self._preview(job)
        return {
            "id": job.id,
            "endpointId": job.endpoint_id,
            "status": job.status,
            "queuedAt": job.queued_at,
            "startedAt": job.started_at,
            "finishedAt": job.finished_at,
            "workerId": job.worker_id,
            "retries": job.retries,
            "error": job.error[:_PREVIEW_CHARACTERS] if job.error is not None else None,
            "output": preview.text if preview else None,
            "outputLength": preview.length if preview else 0,
            "image": preview.image if preview else False,
        }

    def _preview(self, job: Job) -> Preview | None:
        if not job.is_final:
            # Progress: whatever a running job shows of itself.
            return self._look(job) if job.status == "IN_PROGRESS" else None
        key = (job.id, job.retries, job.finished_at)
        if key not in self._previews:
            self._previews[key] = self._look(job)
            while len(self._previews) > 4 * JOBS_SHOWN:
                self._previews.popitem(last=False)
        return self._previews[key]

    def _look(self, job: Job) -> Preview | None:
        text = self._scheduler.jobs.output_of(job)
        if text is None:
            return None
        head = text[:_PREVIEW_CHARACTERS]
        return Preview(head, len(text), '"image' in head and len(text) > _PREVIEW_CHARACTERS)


def spans(scheduler: Scheduler) -> list[tuple[str, Span]]:
    """`(endpoint id, span)` of the newest jobs: what charts of the past are drawn from."""
    rows = scheduler.platform.store.connection.execute(
        "SELECT endpoint_id, queued_at, started_at, finished_at FROM jobs ORDER BY seq DESC LIMIT ?", (SPANS_READ,)
    )
    return [(endpoint_id, (queued, started, ended)) for endpoint_id, queued, started, ended in rows]


def cold_starts(scheduler: Scheduler, endpoint_id: str) -> list[JsonObject]:
    """The newest, milliseconds by phase."""
    rows = scheduler.platform.store.connection.execute(
        "SELECT endpoint_id, worker_id, version, flashboot, began_at, image_pull, container_start, load"
        " FROM cold_starts WHERE endpoint_id = coalesce(?, endpoint_id) ORDER BY seq DESC LIMIT ?",
        (endpoint_id or None, COLD_STARTS_SHOWN),
    )
    return [
        {
            "endpointId": owner,
            "workerId": worker,
            "version": version,
            "flashboot": bool(flashboot),
            "beganAt": began,
            "phasesMs": [round(seconds * 1000) for seconds in phases],
        }
        for owner, worker, version, flashboot, began, *phases in rows
    ]


def cost(scheduler: Scheduler) -> JsonObject:
    """What workers cost up to now, as the billing routes count it: by the second of each start, rounded up. USD."""
    now = scheduler.clock.now()
    rows = scheduler.platform.store.connection.execute(
        "WITH spent AS (SELECT endpoint_id, open, usd_per_second AS price,"
        " CASE open WHEN 1 THEN max(accrued_until, ?) ELSE accrued_until END - started_at AS seconds FROM consumption)"
        " SELECT endpoint_id, count(*), sum((cast(seconds AS INTEGER) + (seconds > cast(seconds AS INTEGER))) * price),"
        " sum(open * price) * 3600 FROM spent GROUP BY endpoint_id ORDER BY 3 DESC",
        (now,),
    )
    names = {fleet.endpoint_id: fleet.body["name"] for fleet in scheduler.fleets}
    by_endpoint = [
        {"id": owner, "name": names.get(owner), "starts": starts, "usd": usd, "usdPerHour": rate}
        for owner, starts, usd, rate in rows
    ]
    return {
        "usd": sum(entry["usd"] for entry in by_endpoint),
        "usdPerHour": sum(entry["usdPerHour"] for entry in by_endpoint),
        "endpoints": by_endpoint,
    }
