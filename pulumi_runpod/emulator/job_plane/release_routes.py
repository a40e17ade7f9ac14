"""The routes that show the roll-out of an endpoint: its releases and its workers."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.job_plane.releases import FIRST_VERSION, ReleaseRecord
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.platform.clock import rfc3339
from pulumi_runpod.emulator.platform.pagination import parse_page
from pulumi_runpod.emulator.platform.problem import not_found
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject


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
