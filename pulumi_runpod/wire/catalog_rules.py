"""What the catalog says of ids and counts in a declaration. Paths are those of the API, as in every `Violation`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from pulumi_runpod.wire.catalog import Catalog
from pulumi_runpod.wire.model import Violation


def gpu_catalog_violations(
    catalog: Catalog, pools: Sequence[str], *, excluded_types: Sequence[str] = (), count: int | None = None
) -> list[Violation]:
    """Pools, excluded types and GPUs per worker of an endpoint."""
    found = [
        Violation(("gpu", "pools", i), mistake)
        for i, pool in enumerate(pools)
        if (mistake := _pool_mistake(catalog, pool)) is not None
    ]
    known = [gpu for pool in pools for gpu in catalog.pools.get(pool, ())]
    if found or not known:
        return found
    types = [gpu.id for gpu in known]
    found += [
        Violation(("gpu", "excludedTypes", i), f"{name!r} is no GPU type of these pools; they have {', '.join(types)}")
        for i, name in enumerate(excluded_types)
        if name.strip() not in types
    ]
    if not found and excluded_types and set(types) <= {name.strip() for name in excluded_types}:
        found.append(Violation(("gpu", "excludedTypes"), "leaves no GPU type of these pools: exclude fewer"))
    most = max(gpu.max_count.secure for gpu in known)
    if count is not None and count > most:
        found.append(Violation(("gpu", "count"), f"must be at most {most} in these pools, got {count}", 422))
    return found


def cpu_catalog_violations(catalog: Catalog, choices: Iterable[tuple[int, str, int]]) -> list[Violation]:
    """`choices`: index, flavor and vCPUs of each entry of `cpu`."""
    found = []
    for i, flavor_id, count in choices:
        flavor = catalog.cpus.get(flavor_id)
        if flavor is None:
            found.append(Violation(("cpu", i, "id"), _unknown(flavor_id, "CPU flavor", catalog, catalog.cpus)))
        elif not count & (count - 1) and (mistake := flavor.vcpu_mistake(count)):
            found.append(Violation(("cpu", i, "vcpuCount"), mistake))
    return found


def data_center_violations(catalog: Catalog, centers: Sequence[str]) -> list[Violation]:
    """Where an endpoint's workers may run."""
    return [
        Violation(("dataCenterIds", i), _unknown(center, "data center", catalog, catalog.data_centers))
        for i, center in enumerate(centers)
        if center not in catalog.data_centers
    ]


def volume_violations(catalog: Catalog, center_id: str, tier: str | None = None) -> list[Violation]:
    """The home and the tier of a network volume."""
    center = catalog.data_centers.get(center_id)
    if center is None:
        return [Violation(("dataCenter",), _unknown(center_id, "data center", catalog, catalog.volume_data_centers))]
    if not center.network_volume_types:
        have = ", ".join(catalog.volume_data_centers)
        return [Violation(("dataCenter",), f"{center_id} has no network volumes; these have: {have}")]
    if tier is not None and tier not in center.network_volume_types:
        has = " or ".join(center.network_volume_types)
        return [Violation(("type",), f"{tier} is not offered in {center_id}, which has {has}")]
    return []


def _pool_mistake(catalog: Catalog, pool: str) -> str | None:
    if pool in catalog.pools:
        return None
    for gpu in catalog.gpus.values():
        if pool in (gpu.id, gpu.name):
            home = f"its pool is {gpu.pool}" if gpu.pool else "it is in no serverless pool"
            return f"{pool!r} is a GPU type, not a pool: {home}"
    return _unknown(pool, "GPU pool", catalog, catalog.pools)


def _unknown(text: str, what: str, catalog: Catalog, known: Iterable[str]) -> str:
    names = list(known)
    plain = {_plain(name): name for name in names}
    near = [plain[_plain(text)]] if _plain(text) in plain else get_close_matches(text.upper(), names, n=1)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return f"{text!r} is no {what} of the catalog of {catalog.as_of}: {advice}"


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
