"""Query parameters of the catalog: comma lists of known words, and which of them go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from starlette.datastructures import QueryParams

from pulumi_runpod.emulator.control_plane.validation import invalid
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.wire.catalog import Compliance, Region
from pulumi_runpod.wire.network_volume import VolumeType

_COUNTRY = re.compile(r"[A-Z]{2}")
_CUDA = re.compile(r"\d{1,6}\.\d{1,6}")
_CUDA_FLOOR = re.compile(r"\d{1,6}(\.\d{1,6})?")
_ONLY_WITH_INCLUDE = ("count", "cloud", "countryCodes", "cudaVersions", "minCudaVersion", "vcpuCount")


@dataclass(frozen=True)
class Availability:
    """What stock is asked for."""

    products: tuple[str, ...]
    count: int = 1
    """GPUs, or vCPUs."""
    country_codes: tuple[str, ...] = ()
    cuda_versions: tuple[str, ...] = ()
    min_cuda_version: tuple[int, ...] | None = None


@dataclass(frozen=True)
class CenterFilter:
    gpus: bool
    cpus: bool
    regions: tuple[str, ...]
    volume_types: tuple[str, ...]
    compliance: tuple[str, ...]
    global_network: bool | None


def gpu_availability(query: QueryParams) -> Availability | None:
    """None when no availability is asked for. Raises ProblemError 400 (parameters that do not go together) or 422."""
    products = _products(query, ("POD", "CLUSTER", "SERVERLESS"))
    count = _integer(query, "count", 1, 1)
    cloud = _words(query, "cloud", ("SECURE", "COMMUNITY"))
    countries = _matching(query, "countryCodes", _COUNTRY)
    versions = _matching(query, "cudaVersions", _CUDA)
    floor = _matching(query, "minCudaVersion", _CUDA_FLOOR)
    if len(cloud) > 1 or len(floor) > 1:
        raise invalid("$query", "cloud and minCudaVersion take one value")
    if versions and floor:
        raise ProblemError(400, "cudaVersions and minCudaVersion exclude each other: give one")
    if products is None:
        return None
    lowest = cuda_key(floor[0]) if floor else None
    return Availability(products, count, countries, versions, lowest)


def cpu_availability(query: QueryParams) -> Availability | None:
    """As `gpu_availability`, for CPU flavors."""
    products = _products(query, ("POD", "SERVERLESS"))
    count = _integer(query, "vcpuCount", 2, 2)
    if count & (count - 1):
        raise invalid("$query.vcpuCount", "must be a power of two")
    return Availability(products, count) if products is not None else None


def center_filter(query: QueryParams) -> CenterFilter:
    include = _words(query, "include", ("GPU_AVAILABILITY", "CPU_AVAILABILITY"))
    network = query.get("globalNetwork")
    if network not in (None, "true", "false"):
        raise invalid("$query.globalNetwork", "value must be one of 'true', 'false'")
    return CenterFilter(
        gpus="GPU_AVAILABILITY" in include,
        cpus="CPU_AVAILABILITY" in include,
        regions=_words(query, "regions", get_args(Region)),
        volume_types=_words(query, "networkVolumeTypes", get_args(VolumeType)),
        compliance=_words(query, "compliance", get_args(Compliance)),
        global_network=None if network is None else network == "true",
    )


def cuda_key(version: str) -> tuple[int, ...]:
    """For comparing versions as numbers: 12.11 is above 12.2."""
    return tuple(int(part) for part in version.split("."))


def _products(query: QueryParams, known: Sequence[str]) -> tuple[str, ...] | None:
    include = _words(query, "include", ("AVAILABILITY",))
    products = _words(query, "product", known)
    if bool(include) != bool(products):
        raise ProblemError(400, "include=AVAILABILITY and product go together: give both or neither")
    if not include and (stray := [name for name in _ONLY_WITH_INCLUDE if name in query]):
        raise ProblemError(400, f"{stray[0]} is valid only with include=AVAILABILITY")
    return products or None


def _words(query: QueryParams, name: str, known: Sequence[str]) -> tuple[str, ...]:
    value = _list(query, name)
    if strange := [w for w in value if w not in known]:
        raise invalid(f"$query.{name}", f"got {strange[0]!r}, value must be one of {', '.join(map(repr, known))}")
    return value


def _matching(query: QueryParams, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    value = _list(query, name)
    if strange := [w for w in value if not w.isascii() or not pattern.fullmatch(w)]:
        raise invalid(f"$query.{name}", f"{strange[0]!r} does not match pattern '{pattern.pattern}'")
    return value


def _list(query: QueryParams, name: str) -> tuple[str, ...]:
    return tuple(part for value in query.getlist(name) for part in value.split(",") if part)


def _integer(query: QueryParams, name: str, least: int, default: int) -> int:
    value = query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= least):
        raise invalid(f"$query.{name}", f"must be an integer of at least {least}")
    return int(value)
