"""`/lb/{endpoint id}/PATH`: what `https://{endpoint id}.api.runpod.ai/PATH` is on the service. Any method, any path.

The same under a name of the endpoint's own, `http://{endpoint id}.localhost:PORT/PATH`, for applications whose links
begin at the root. Errors of the load balancer itself are `{"error": ...}`.
"""

from __future__ import annotations

import re

from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.load_balancer.balancer import Affinity, Balancer, NoWorkerError
from pulumi_runpod.emulator.job_plane.load_balancer.caller import Caller, CallerGoneError
from pulumi_runpod.emulator.job_plane.load_balancer.exchange import Exchange, Limits, answer_error
from pulumi_runpod.emulator.job_plane.load_balancer.headers import WORKER_ID, value_of
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.job_plane.strikes import strike

PREFIX = "/lb"
_HOST = re.compile(rb"([a-z0-9]{8,32})\.[a-z0-9.-]+(?::[0-9]+)?", re.IGNORECASE)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class _RefusedError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class LoadBalancers:
    """ASGI: the load balancers of all endpoints."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._clock = scheduler.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # As it was sent: a decoded path could not be distinguished from another one.
        _, _, endpoint_id, *rest = (*scope["raw_path"].split(b"/", 3), b"", b"")[:4]
        target = b"/" + (rest[0] if rest else b"")
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        try:
            fleet, balancer = self._admit(scope, endpoint_id.decode("latin-1"))
        except _RefusedError as refused:
            await answer_error(send, refused.status, str(refused))
            return
        await self._route(fleet, balancer, target, (scope, receive, send))

    def _admit(self, scope: Scope, endpoint_id: str) -> tuple[Fleet, Balancer]:
        header = value_of(scope["headers"], b"authorization")
        keys = self._scheduler.platform.keys
        key = keys.of_job_header(header.decode("latin-1") if header is not None else None)
        if key is None:
            raise _RefusedError(401, "missing or invalid API key")
        if not key.may_run(endpoint_id, write=scope["method"] not in _READS):
            raise _RefusedError(403, "this API key has no access to the endpoint")
        fleet = self._scheduler.fleet(endpoint_id)
        if fleet is None:
            raise _RefusedError(404, f"endpoint {endpoint_id} not found")
        if fleet.balancer is None:
            run = f"{self._scheduler.platform.base_url}/v2/{endpoint_id}/run"
            raise _RefusedError(400, f"a QUEUE endpoint takes jobs, and routes no requests: POST {run}")
        return fleet, fleet.balancer

    async def _route(
        self, fleet: Fleet, balancer: Balancer, target: bytes, connection: tuple[Scope, Receive, Send]
    ) -> None:
        scope, receive, send = connection
        scheduler, switches = self._scheduler, self._scheduler.switches
        came, caller, well = self._clock.now(), Caller(receive), False
        scheduler.jobs.activity.asked(fleet.endpoint_id, scheduler.clock.now())
        affinity = Affinity.parse((value_of(scope["headers"], WORKER_ID) or b"").decode("latin-1"))
        try:
            worker = balancer.at_once(affinity)
            if worker is None:
                worker = await caller.unless_gone(balancer.acquire(affinity))
            try:
                strike(scheduler.faults, worker)
                limits = Limits(switches.balancer_processing_limit, passes_key=switches.balancer_passes_key)
                well = await Exchange(scope, caller.receive, send).run(worker, target, self._clock, limits)
            finally:
                balancer.release(worker)
        except NoWorkerError as nobody:
            await answer_error(send, 503 if scheduler.stopping else nobody.status, str(nobody))
        except CallerGoneError:
            pass
        finally:
            scheduler.request_ended(fleet.endpoint_id, came, well=well)


def routes(scheduler: Scheduler) -> list[Mount]:
    return [Mount(PREFIX, LoadBalancers(scheduler))]


class ByHost:
    """ASGI: `app`, where a name that begins with a load balancer's id means that endpoint, whatever the path."""

    def __init__(self, app: ASGIApp, scheduler: Scheduler) -> None:
        self.app, self._scheduler = app, scheduler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            header = _HOST.fullmatch(value_of(scope["headers"], b"host") or b"")
            fleet = self._scheduler.fleet(header[1].decode().lower()) if header is not None else None
            if fleet is not None and fleet.balancer is not None:
                prefix = f"{PREFIX}/{fleet.endpoint_id}"
                raw = prefix.encode() + scope["raw_path"]
                scope = {**scope, "path": prefix + scope["path"], "raw_path": raw}
        await self.app(scope, receive, send)
