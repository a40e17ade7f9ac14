"""Endpoints: what can't be derived from the models. Defaults that depend on other fields, rules across fields, and the
two changes that need a new endpoint: queue to load balancer, and GPU to CPU.
"""

# ruff: noqa: ARG002 - hooks take what some kind needs

from __future__ import annotations

from types import MappingProxyType

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.kinds.container import (
    CLEARS,
    container_body,
    container_defaults,
    container_reality,
    container_rules,
)
from pulumi_runpod.resources.lifecycle import Api, Lifecycle, OwnInputs
from pulumi_runpod.resources.outcome import Differences
from pulumi_runpod.resources.values import known
from pulumi_runpod.wire.endpoint import (
    DEFAULT_IDLE_TIMEOUT_S,
    DEFAULT_MAX_WORKERS,
    DEFAULT_MIN_WORKERS,
    DOCUMENTED_TIMEOUT_MS,
    ENDPOINTS,
    CreateEndpoint,
    EndpointWorkersRequest,
    UpdateEndpoint,
    has_idle_timeout,
)
from pulumi_runpod.wire.job import WEEK_MS
from pulumi_runpod.wire.model import JsonObject

SHORTEST_TIMEOUT_MS = 5_000
_ANNOUNCEMENT = "The new endpoint has another id and other request URLs: every client must be told"


class EndpointInputs(OwnInputs, CreateEndpoint):
    pass


class EndpointLifecycle(Lifecycle):
    collection = ENDPOINTS
    inputs = EndpointInputs
    defaults = MappingProxyType(
        {
            # Left out, the service has been seen to take 0 instead of what it documents: so it is always sent.
            "timeout": DOCUMENTED_TIMEOUT_MS,
            "flashboot": "OFF",
            "data_center_ids": [],
            "network_volumes": [],
        }
    )
    clears = CLEARS
    unordered = frozenset(
        {"data_center_ids", "network_volumes", "ports", "gpu.excluded_types", "gpu.allowed_cuda_versions"}
    )
    units = MappingProxyType({"disk": "GB", "timeout": "ms", "workers.idle_timeout": "s", "scaling.queue_delay": "s"})

    def complete(self, inputs: JsonObject) -> JsonObject:
        found = super().complete(inputs)
        if "template_id" not in found:
            found = container_defaults(found)
        workers, gpu = found.get("workers", {}), found.get("gpu")
        if isinstance(workers, dict):
            found["workers"] = {**_default_workers(found, workers), **workers}
        if isinstance(gpu, dict):
            found["gpu"] = _complete_gpu(gpu, from_template="template_id" in found)
        return found

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        found = container_rules(inputs)
        if "gpu" in inputs and "cpu" in inputs:
            found.append(Failure("cpu", "excludes gpu: an endpoint runs on one of them"))
        if "gpu" not in inputs and "cpu" not in inputs:
            found.append(Failure("gpu", "is required (or cpu), for example gpu={'pools': ['ADA_24']}"))
        if "image" not in inputs and "template_id" not in inputs:
            found.append(Failure("image", "is required (or template, or template_id)"))
        return found + _scaling_rules(inputs) + _gpu_rules(inputs) + _cpu_rules(inputs) + _timeout_rules(inputs)

    def replacement(self, olds: JsonObject, news: JsonObject) -> Differences:
        replaces = list(super().replacement(olds, news).replaces)
        if ("gpu" in olds and "cpu" in news) or ("cpu" in olds and "gpu" in news):
            replaces += ["cpu", "gpu"]
        if not replaces:
            return Differences()
        return Differences(
            tuple(replaces),
            (f"{self.subject(olds)} is replaced ({' and '.join(replaces)} cannot be changed). {_ANNOUNCEMENT}",),
        )

    def create_body(self, news: JsonObject) -> JsonObject:
        return container_body(super().create_body(news), news)

    def patch(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        changed = container_body(super().patch(olds, news), news)
        if "gpu" in changed:
            # Pools alone would clear the exclusions, and one CUDA constraint does not clear the other.
            changed["gpu"] = {"excluded_types": [], "min_cuda_version": "", **changed["gpu"]}
        return changed

    def reality(self, found: JsonObject) -> JsonObject:
        told = container_reality(found)
        if "cpu" in told:
            told["cpu_memory"] = [choice["memory"] for choice in told["cpu"]]
            told["cpu"] = [{"id": choice["id"], "vcpu_count": choice["vcpu_count"]} for choice in told["cpu"]]
        if not has_idle_timeout(told.get("type", "QUEUE"), told["scaling"]["type"]):
            told["workers"] = {key: value for key, value in told["workers"].items() if key != "idle_timeout"}
        return told

    def same(self, one: object, other: object, path: str) -> bool:
        if path == "name":
            # FlashBoot endpoints were once given this suffix by the service: no reason to rename for ever.
            return one == other or f"{one} -fb" == other
        if path == "gpu" and isinstance(one, dict) and isinstance(other, dict) and "allowed_cuda_versions" not in one:
            # Left to the template.
            other = {key: value for key, value in other.items() if key != "allowed_cuda_versions"}
        return super().same(one, other, path)

    def release(self, api: Api, object_id: str, olds: JsonObject) -> None:
        """An older API refused to delete an endpoint that may still have workers."""
        api.update(self.collection, object_id, UpdateEndpoint.model_validate(_NO_WORKERS, by_name=True))


_NO_WORKERS = {"workers": EndpointWorkersRequest(min=0, max=0)}


def _default_workers(inputs: JsonObject, given: JsonObject) -> JsonObject:
    least = given.get("min", DEFAULT_MIN_WORKERS)
    workers: JsonObject = {
        "min": DEFAULT_MIN_WORKERS,
        "max": max(DEFAULT_MAX_WORKERS, least) if isinstance(least, int) else DEFAULT_MAX_WORKERS,
    }
    scaling = inputs.get("scaling")
    kinds = (inputs.get("type"), scaling.get("type") if isinstance(scaling, dict) else None)
    if all(isinstance(kind, str) for kind in kinds) and has_idle_timeout(*map(str, kinds)):
        workers["idle_timeout"] = DEFAULT_IDLE_TIMEOUT_S
    return workers


def _complete_gpu(gpu: JsonObject, *, from_template: bool) -> JsonObject:
    defaults: JsonObject = {"excluded_types": [], "count": 1}
    given = {key: value for key, value in gpu.items() if (key, value) != ("min_cuda_version", "")}
    if not from_template or "min_cuda_version" in given:
        defaults["allowed_cuda_versions"] = []
    return {**defaults, **given}


def _scaling_rules(inputs: JsonObject) -> list[Failure]:
    found = []
    workers, scaling, kind = inputs.get("workers"), inputs.get("scaling"), inputs.get("type")
    scaler = scaling.get("type") if isinstance(scaling, dict) else None
    if kind == "LOAD_BALANCER" and scaler == "QUEUE_DELAY":
        found.append(Failure("scaling.type", "must be 'REQUEST_COUNT' for a LOAD_BALANCER endpoint, got 'QUEUE_DELAY'"))
    if not isinstance(workers, dict):
        return found
    if kind == "QUEUE" and scaler == "REQUEST_COUNT" and "idle_timeout" in workers:
        found.append(
            Failure(
                "workers.idle_timeout", "cannot be set on a QUEUE endpoint that scales by REQUEST_COUNT: leave it out"
            )
        )
    least, most = workers.get("min"), workers.get("max")
    if isinstance(least, int) and isinstance(most, int) and 0 <= most < least:
        found.append(Failure("workers.max", f"must be at least workers.min ({least}), got {most}"))
    return found


def _gpu_rules(inputs: JsonObject) -> list[Failure]:
    gpu = inputs.get("gpu")
    if isinstance(gpu, dict) and gpu.get("allowed_cuda_versions") and "min_cuda_version" in gpu:
        return [Failure("gpu.min_cuda_version", "excludes gpu.allowed_cuda_versions: give one of them")]
    return []


def _cpu_rules(inputs: JsonObject) -> list[Failure]:
    cpu = inputs.get("cpu")
    counts = [choice.get("vcpu_count") for choice in cpu if isinstance(choice, dict)] if isinstance(cpu, list) else []
    return [
        Failure(f"cpu[{i}].vcpu_count", f"must be a power of two, at least 2, got {count}")
        for i, count in enumerate(counts)
        if isinstance(count, int) and (count < 2 or count & (count - 1))
    ]


def _timeout_rules(inputs: JsonObject) -> list[Failure]:
    timeout = inputs.get("timeout")
    if known(timeout) and isinstance(timeout, int) and not SHORTEST_TIMEOUT_MS <= timeout <= WEEK_MS:
        return [
            Failure("timeout", f"is in milliseconds: must be from {SHORTEST_TIMEOUT_MS} to {WEEK_MS}, got {timeout}")
        ]
    return []


LIFECYCLE = EndpointLifecycle()
