"""What the service says of an endpoint at work: its workers, its releases and how far a release has come."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pulumi_runpod.wire.model import Response

ReleaseSource = Literal["GIT_BUILD", "MANUAL"]
WorkerStatus = Literal["RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY"]


class Worker(Response):
    id: str
    status: WorkerStatus | str
    is_stale: bool
    """Runs an older version than the endpoint's."""
    version: int | None = None
    gpu_count: int
    image: str | None = None
    uptime_seconds: int | None = None
    gpu_type_id: str | None = None
    data_center_id: str | None = None
    started_at: datetime | None = None


class WorkerSummary(Response):
    running: int
    idle: int
    initializing: int
    throttled: int
    unhealthy: int
    total: int


class Workers(Response):
    """Answer of `GET /v2/serverless/{id}/workers`: active workers only."""

    workers: list[Worker]
    summary: WorkerSummary
    endpoint_version: int | None = None


class ReleaseDiff(Response):
    field: str
    """Internal name, such as `template.imageName`."""
    old: object = None
    new: object = None


class Release(Response):
    id: str
    version: int | None = None
    source: ReleaseSource | str
    build_id: str | None = None
    created_by_user_id: str | None = None
    worker_count: int
    created_at: datetime
    diff: list[ReleaseDiff]


class Rollout(Response):
    in_progress: bool
    workers_on_latest: int
    workers_total: int
    percent_on_latest: int


class Releases(Response):
    """Answer of `GET /v2/serverless/{id}/releases`, newest first."""

    endpoint_version: int | None = None
    rollout: Rollout
    releases: list[Release]
