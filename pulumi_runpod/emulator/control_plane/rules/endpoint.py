"""Endpoints: defaults, the one-time copy of a template, merging of partial updates, and references to other objects."""

from __future__ import annotations

import json
import re

from pulumi_runpod.emulator.control_plane.rules import container
from pulumi_runpod.emulator.control_plane.rules.endpoint_compute import cpu_body, gpu_body
from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.control_plane.rules.template_copy import apply_template, find_template, seed_cuda_versions
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.endpoint import ENDPOINTS, CreateEndpoint, EndpointWorkersRequest, UpdateEndpoint
from pulumi_runpod.wire.endpoint_defaults import (
    DEFAULT_IDLE_TIMEOUT_S,
    DEFAULT_MAX_WORKERS,
    DEFAULT_MIN_WORKERS,
    has_idle_timeout,
)
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES

MAX_WORKERS = 2**31 - 1
MAX_TIMEOUT_MS = 7 * 24 * 3600 * 1000
_FLASHBOOT_SUFFIX = " -fb"
# Decoding a whole body to add URLs to it would double the cost of a get.
_HEAD = re.compile(r'\{"id":"([a-z0-9]+)","type":"(QUEUE|LOAD_BALANCER)"')


class EndpointRules(Rules[CreateEndpoint, UpdateEndpoint]):
    collection = ENDPOINTS
    branched = True
    id_length = 14

    def create(self, wanted: CreateEndpoint) -> tuple[JsonObject, JsonObject]:
        template = find_template(self.platform, wanted.template_id)
        settings = container.fresh(self.platform)
        if template is not None:
            settings = apply_template(settings, template)
        env = {**settings["env"], **(wanted.env or {})}
        settings = {**container.applied(self.platform, settings, wanted), "env": env}
        body: JsonObject = {"type": wanted.type, "name": wanted.name}
        if wanted.gpu is not None:
            body["gpu"] = gpu_body(self.platform.catalog, None, wanted.gpu)
            seed_cuda_versions(body["gpu"], wanted.gpu, template)
        if wanted.cpu is not None:
            body["cpu"] = cpu_body(self.platform.catalog, wanted.cpu)
        body |= {
            "scaling": wanted.scaling.model_dump(by_alias=True),
            "workers": self._workers({}, wanted.workers, wanted.type, wanted.scaling.type),
            "timeout": self._timeout(self.platform.switches.omitted_timeout_ms, wanted.timeout),
            "flashboot": wanted.flashboot or "OFF",
            "dataCenterIds": wanted.data_center_ids or [],
            "networkVolumes": wanted.network_volumes or [],
            **settings,
            "createdAt": self.platform.clock.timestamp(),
        }
        self._check(None, body)
        return body, {"version": 1, "templateId": wanted.template_id}

    def update(self, row: Row, wanted: UpdateEndpoint) -> tuple[JsonObject, JsonObject | None]:
        old = row.body
        if (wanted.gpu is not None and "cpu" in old) or (wanted.cpu is not None and "gpu" in old):
            raise ProblemError(400, "the compute family of an endpoint (gpu or cpu) cannot be changed")
        template = find_template(self.platform, wanted.template_id)
        settings = {name: old[name] for name in container.FIELDS}
        if template is not None:
            settings = apply_template(settings, template)
        applied = container.applied(self.platform, settings, wanted)
        if template is not None and wanted.env is not None:
            applied["env"] = {**template["env"], **wanted.env}
        body: JsonObject = {**old, **applied}
        if wanted.gpu is not None:
            body["gpu"] = gpu_body(self.platform.catalog, old["gpu"], wanted.gpu)
        if wanted.cpu is not None:
            body["cpu"] = cpu_body(self.platform.catalog, wanted.cpu)
        if wanted.scaling is not None:
            if old["type"] == "LOAD_BALANCER" and wanted.scaling.type != "REQUEST_COUNT":
                raise ProblemError(422, "scaling.type must be REQUEST_COUNT for a LOAD_BALANCER endpoint")
            body["scaling"] = wanted.scaling.model_dump(by_alias=True)
        body["workers"] = self._workers(old["workers"], wanted.workers, old["type"], body["scaling"]["type"])
        body["timeout"] = self._timeout(old["timeout"], wanted.timeout)
        changed = {
            "name": wanted.name,
            "flashboot": wanted.flashboot,
            "dataCenterIds": wanted.data_center_ids,
            "networkVolumes": wanted.network_volumes,
        }
        body |= {name: value for name, value in changed.items() if value is not None}
        self._check(row, body)
        return body, None

    def _workers(
        self, current: JsonObject, wanted: EndpointWorkersRequest | None, endpoint_type: str, scaler: str
    ) -> JsonObject:
        workers: JsonObject = {
            "min": DEFAULT_MIN_WORKERS,
            "max": DEFAULT_MAX_WORKERS,
            "idleTimeout": DEFAULT_IDLE_TIMEOUT_S,
            **current,
        }
        if wanted is not None:
            said = {"min": wanted.min, "max": wanted.max, "idleTimeout": wanted.idle_timeout}
            workers |= {name: value for name, value in said.items() if value is not None}
        if not has_idle_timeout(endpoint_type, scaler):
            if wanted is not None and wanted.idle_timeout is not None:
                raise ProblemError(
                    422, "workers.idleTimeout cannot be set on a QUEUE endpoint that scales by REQUEST_COUNT"
                )
            del workers["idleTimeout"]
        if workers["max"] > MAX_WORKERS:
            raise ProblemError(422, f"workers.max must be at most {MAX_WORKERS}")
        if workers["min"] > workers["max"]:
            raise ProblemError(400, f"workers.min ({workers['min']}) is above workers.max ({workers['max']})")
        return workers

    def _timeout(self, current: int, wanted: int | None) -> int:
        if wanted is None:
            return current
        if not 0 <= wanted <= MAX_TIMEOUT_MS:
            raise ProblemError(400, f"timeout must be from 0 to {MAX_TIMEOUT_MS} milliseconds (7 days)")
        return wanted

    def _check(self, row: Row | None, body: JsonObject) -> None:
        """References and quota. Of an update, only what it changes is looked at: what it found may be gone by now."""
        old = row.body if row is not None else {}
        if body["dataCenterIds"] != old.get("dataCenterIds", []):
            for center in body["dataCenterIds"]:
                if center not in self.platform.catalog.data_centers:
                    raise ProblemError(400, f"dataCenterIds: unknown data center {center!r}")
        if body["networkVolumes"] != old.get("networkVolumes", []):
            self._check_volumes(body)
        if body["workers"]["max"] > old.get("workers", {"max": 0})["max"]:
            self._check_quota(row, body["workers"]["max"])

    def _check_volumes(self, body: JsonObject) -> None:
        switches = self.platform.switches
        homes: dict[str, str] = {}
        for volume_id in body["networkVolumes"]:
            volume = self.store.get(NETWORK_VOLUMES.kind, volume_id)
            if volume is None:
                raise self.unknown("networkVolumes", NETWORK_VOLUMES.kind, volume_id)
            center: str = volume.body["dataCenter"]
            if center in homes and switches.volumes_per_data_center == "one":
                raise ProblemError(
                    400, f"networkVolumes: {homes[center]} and {volume_id} are both in {center}: one per data center"
                )
            homes[center] = volume_id
            outside = body["dataCenterIds"] and center not in body["dataCenterIds"]
            if outside and switches.volume_outside_data_centers == "refuse":
                raise ProblemError(400, f"networkVolumes: {volume_id} is in {center}, which dataCenterIds leaves out")

    def _check_quota(self, row: Row | None, wanted: int) -> None:
        quota = self.platform.switches.worker_quota
        if quota is None or self.platform.switches.worker_quota_breach == "accept":
            return
        others = self.store.total(ENDPOINTS.kind, "workers.max") - (row.body["workers"]["max"] if row else 0)
        if others + wanted > quota:
            raise ProblemError(
                400,
                f"workers.max of {wanted} exceeds the account's worker quota: {quota} in all, {others} taken by other "
                "endpoints",
            )

    def refuse_delete(self, row: Row) -> None:
        workers = row.body["workers"]
        if self.platform.switches.delete_needs_zero_workers and (workers["min"] or workers["max"]):
            raise ProblemError(400, "endpoint has workers: set workers.min and workers.max to 0 first")

    def created(self, object_id: str, body: JsonObject) -> None:
        self.platform.scheduler.endpoint_created(object_id, body)

    def updated(self, object_id: str, old: JsonObject, new: JsonObject) -> None:
        self.platform.scheduler.endpoint_updated(object_id, old, new)

    def deleted(self, row: Row) -> None:
        self.platform.scheduler.endpoint_deleted(row.id)

    def shown(self, text: str) -> str:
        """With `requestUrls`, which depend on where the server is reached."""
        switches = self.platform.switches
        if switches.document == "2026-08" or switches.flashboot_name_suffix:
            text = self._as_switched(container.shown(self.platform, text))
        head = _HEAD.match(text)
        if head is None:
            raise ValueError("a stored endpoint begins with its id and its type")
        return f'{text[:-1]},"requestUrls":{request_urls(self.platform.base_url, head[1], head[2])}}}'

    def _as_switched(self, text: str) -> str:
        body: JsonObject = json.loads(text)
        if self.platform.switches.flashboot_name_suffix and body["flashboot"] != "OFF":
            body["name"] = body["name"].removesuffix(_FLASHBOOT_SUFFIX) + _FLASHBOOT_SUFFIX
        return json.dumps(body, separators=(",", ":"))


def request_urls(base_url: str, endpoint_id: str, endpoint_type: str) -> str:
    """JSON text of an endpoint's URLs: absolute, with the literal `{job_id}` where a job's id goes."""
    if endpoint_type == "LOAD_BALANCER":
        base = f"{base_url}/lb/{endpoint_id}"
        return f'{{"base":"{base}","health":"{base}/ping"}}'
    base = f"{base_url}/v2/{endpoint_id}"
    return (
        f'{{"run":"{base}/run","runSync":"{base}/runsync","status":"{base}/status/{{job_id}}",'
        f'"stream":"{base}/stream/{{job_id}}","cancel":"{base}/cancel/{{job_id}}","retry":"{base}/retry/{{job_id}}",'
        f'"purgeQueue":"{base}/purge-queue","health":"{base}/health"}}'
    )
