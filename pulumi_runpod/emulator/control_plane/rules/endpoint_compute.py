"""The compute of an endpoint: GPU pools with their exclusions and CUDA constraints, or CPU flavors."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.wire.catalog import Catalog
from pulumi_runpod.wire.endpoint import CreateEndpointGpu, EndpointCpuRequest, UpdateEndpointGpu
from pulumi_runpod.wire.model import JsonObject

MAX_GPUS_PER_WORKER = 2**31 - 1


def gpu_body(catalog: Catalog, old: JsonObject | None, wanted: CreateEndpointGpu | UpdateEndpointGpu) -> JsonObject:
    """The `gpu` member after `wanted`: each field that is given replaces; pools take their exclusions with them."""
    gpu = dict(old) if old is not None else {"excludedTypes": [], "count": 1, "allowedCudaVersions": []}
    gpu.setdefault("minCudaVersion", None)
    if wanted.pools is not None:
        gpu["pools"] = wanted.pools
        gpu["excludedTypes"] = _exclusions(catalog, wanted.pools, wanted.excluded_types or [])
    if wanted.count is not None:
        if wanted.count > MAX_GPUS_PER_WORKER:
            raise ProblemError(422, f"gpu.count must be at most {MAX_GPUS_PER_WORKER}")
        gpu["count"] = wanted.count
    if wanted.allowed_cuda_versions is not None:
        gpu["allowedCudaVersions"] = wanted.allowed_cuda_versions
    if wanted.min_cuda_version is not None:
        gpu["minCudaVersion"] = wanted.min_cuda_version or None
    if gpu["allowedCudaVersions"] and gpu["minCudaVersion"]:
        raise ProblemError(
            400,
            "gpu.allowedCudaVersions and gpu.minCudaVersion exclude each other: clear the one that is set in the same "
            "body",
        )
    return gpu


def _exclusions(catalog: Catalog, pools: Sequence[str], excluded: Sequence[str]) -> list[str]:
    known = catalog.pools
    if unknown := [p for p in pools if p not in known]:
        raise ProblemError(400, f"gpu.pools: unknown GPU pool {unknown[0]!r}; pools are: {', '.join(known)}")
    if not excluded:
        return []
    types = {gpu.id for pool in pools for gpu in known[pool]}
    trimmed = [t.strip() for t in excluded]
    if stray := [t for t in trimmed if t not in types]:
        raise ProblemError(400, f"gpu.excludedTypes: {stray[0]!r} is not a GPU type of the pools {', '.join(pools)}")
    if types <= set(trimmed):
        raise ProblemError(400, f"gpu.excludedTypes leaves no GPU type of the pools {', '.join(pools)}")
    return trimmed


def cpu_body(catalog: Catalog, wanted: Sequence[EndpointCpuRequest]) -> list[JsonObject]:
    """The `cpu` member: a complete replacement, with the memory that each flavor gives."""
    body: list[JsonObject] = []
    for cpu in wanted:
        flavor = catalog.cpus.get(cpu.id)
        if flavor is None:
            raise ProblemError(400, f"cpu: unknown flavor {cpu.id!r}; flavors are: {', '.join(catalog.cpus)}")
        if mistake := flavor.vcpu_mistake(cpu.vcpu_count):
            raise ProblemError(400, f"cpu: {mistake}")
        memory = catalog.memory_gb(cpu.id, cpu.vcpu_count)
        body.append({"id": cpu.id, "vcpuCount": cpu.vcpu_count, "memory": memory})
    return body
