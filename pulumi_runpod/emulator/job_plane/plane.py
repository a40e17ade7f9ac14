"""The job plane as one room: its scheduler, and its routes in the order in which they are matched."""

from __future__ import annotations

from starlette.routing import BaseRoute

from pulumi_runpod.emulator.job_plane import coldstart, job_routes, logs, release_routes, worker_routes
from pulumi_runpod.emulator.job_plane.load_balancer import routes as load_balancer
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.platform.state import Platform


def attach(platform: Platform) -> Scheduler:
    """Give the platform a scheduler. Raises ValueError when a worker command cannot be run."""
    scheduler = Scheduler(platform)
    platform.scheduler = scheduler
    return scheduler


def routes(platform: Platform) -> list[BaseRoute]:
    """Everything that needs workers; nothing where no scheduler is attached."""
    scheduler = platform.scheduler
    if not isinstance(scheduler, Scheduler):
        return []
    return [
        *release_routes.routes(scheduler),
        *logs.routes(platform, scheduler.logs),
        *coldstart.routes(platform),
        *worker_routes.routes(scheduler),
        *job_routes.routes(scheduler),
        *load_balancer.routes(scheduler),
    ]
