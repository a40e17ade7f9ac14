"""Rules across an endpoint's fields, on inputs that may be incomplete, wrong elsewhere, or unknown in part.

The models judge a whole body; these check each field even when another one is wrong.
"""

from __future__ import annotations

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.check import failures_of
from pulumi_runpod.resources.values import known
from pulumi_runpod.wire.job import WEEK_MS
from pulumi_runpod.wire.model import JsonObject, Violation

SHORTEST_TIMEOUT_MS = 5_000


def endpoint_rules(inputs: JsonObject) -> list[Failure]:
    """Everything that is wrong."""
    found = []
    if "gpu" in inputs and "cpu" in inputs:
        found.append(Failure("cpu", "excludes gpu: an endpoint runs on one of them"))
    if "gpu" not in inputs and "cpu" not in inputs:
        found.append(Failure("gpu", "is required (or cpu), for example gpu={'pools': ['ADA_24']}"))
    if "image" not in inputs and "template_id" not in inputs:
        found.append(Failure("image", "is required (or template, or template_id)"))
    rollout = inputs.get("rollout")
    if inputs.get("type") == "LOAD_BALANCER" and isinstance(rollout, dict) and "smoke_input" in rollout:
        found.append(
            Failure("rollout.smoke_input", "is a job, and a LOAD_BALANCER takes none: give workers.min 1 instead")
        )
    return found + _scaling_rules(inputs) + _gpu_rules(inputs) + _cpu_rules(inputs) + _timeout_rules(inputs)


def endpoint_catalog_rules(olds: JsonObject, inputs: JsonObject) -> list[Failure]:
    """What the shipped catalog knows better. Groups that are as in the last inputs are not judged again."""
    # Neither a refresh nor an `up` without changes needs the catalog.
    from pulumi_runpod.wire.catalog import offline_catalog
    from pulumi_runpod.wire.catalog_rules import cpu_catalog_violations, data_center_violations, gpu_catalog_violations

    catalog = offline_catalog()
    found: list[Violation] = []
    gpu, cpu, centers = inputs.get("gpu"), inputs.get("cpu"), inputs.get("data_center_ids")
    if isinstance(gpu, dict) and gpu != olds.get("gpu") and _texts(gpu.get("pools")):
        excluded, count = gpu.get("excluded_types"), gpu.get("count")
        found += gpu_catalog_violations(
            catalog,
            gpu["pools"],
            excluded_types=excluded if isinstance(excluded, list) and _texts(excluded) else (),
            count=count if isinstance(count, int) else None,
        )
    if isinstance(cpu, list) and cpu != olds.get("cpu"):
        choices = [(i, c.get("id"), c.get("vcpu_count")) for i, c in enumerate(cpu) if isinstance(c, dict)]
        found += cpu_catalog_violations(
            catalog, [(i, f, n) for i, f, n in choices if isinstance(f, str) and f and isinstance(n, int) and n > 1]
        )
    if isinstance(centers, list) and centers != olds.get("data_center_ids") and _texts(centers):
        found += data_center_violations(catalog, centers)
    return failures_of(found)


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)


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
