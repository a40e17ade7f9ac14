"""`pulumi-runpod gpus`: which serverless GPUs hold a model, at what price, and where."""

from __future__ import annotations

import json

import typer

from pulumi_runpod.cli import plan_flags as flag
from pulumi_runpod.cli.catalog_source import read_catalog
from pulumi_runpod.cli.stack import Stack
from pulumi_runpod.planning.chooser import Candidate, Choice, choose
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.money import per_second, plain, rounded
from pulumi_runpod.planning.pools import Pool
from pulumi_runpod.wire.model import JsonObject

ALL = "0.1"
"""GB that every GPU has."""


def gpus(
    vram: flag.Vram = None,
    weights_gb: flag.WeightsGb = None,
    stored_dtype: flag.StoredDtype = None,
    dtype: flag.Dtype = None,
    resolution: flag.Resolution = None,
    images: flag.Images = None,
    min_cuda_version: flag.MinCuda = None,
    data_centers: flag.DataCenters = None,
    stack: Stack = None,
    offline: flag.Offline = False,
    as_json: flag.Json = False,
) -> None:
    """List serverless GPU pools that hold a need, cheapest first; without a need, all of them.

    --vram says the need; --weights-gb estimates it for a latent diffusion model. 20 % headroom comes on top. Exit code
    1 when nothing fits.
    """
    said = flag.need_of(
        vram=vram,
        weights_gb=weights_gb,
        stored_dtype=stored_dtype,
        dtype=dtype,
        resolution=resolution,
        images=images,
        min_cuda_version=min_cuda_version,
    )
    if not {"vram_gb", "weights_gb"} & said.keys():
        said["vram_gb"] = ALL
    need = flag.checked(lambda: GpuNeed.model_validate(said))
    read = read_catalog(stack=stack, offline=offline)
    choice = choose(need, read.market.pools.values(), data_centers=data_centers or (), volume_centers=read.data_centers)
    if as_json:
        typer.echo(json.dumps(_json(choice, read.market.source)))
    else:
        _print(choice, read.market.source, everything=said.get("vram_gb") == ALL)
    if choice.chosen is None:
        raise typer.Exit(1)


def _print(choice: Choice, source: str, *, everything: bool) -> None:
    if not everything:
        typer.echo(
            f"need: {choice.need.estimate().arithmetic}; with 20 % headroom {plain(choice.wanted_gb, digits=3)} GB"
        )
        typer.echo(f"take {choice.explained()}" if choice.chosen else choice.explained())
    rows: list[tuple[str, ...]] = [
        ("POOL", "GB", "$/HOUR", "$/SECOND", "STOCK", "RESERVED $/HOUR", "VOLUMES IN", "GPU TYPES")
    ]
    rows += [_row(candidate) for candidate in choice.fits]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]))
    for pool, why in choice.rejected:
        if everything or pool.memory_gb >= choice.wanted_gb:
            typer.echo(f"not {pool.id}: {why}")
    typer.echo(f"prices: {source}, USD")


def _row(candidate: Candidate) -> tuple[str, ...]:
    pool = candidate.pool
    centers = candidate.volume_data_centers
    more = f" +{len(centers) - 3}" if len(centers) > 3 else ""
    return (
        pool.id,
        str(pool.memory_gb),
        plain(candidate.price_per_hour),
        plain(per_second(candidate.price_per_hour), digits=4),
        candidate.stock or "?",
        plain(pool.reserved_per_hour) if pool.reserved_per_hour is not None else "-",
        (", ".join(centers[:3]) + more) or "?",
        ", ".join(pool.gpu_types),
    )


def _json(choice: Choice, source: str) -> JsonObject:
    estimate = choice.need.estimate()
    return {
        "currency": "USD",
        "prices": source,
        "need": {
            "lowGb": float(estimate.low),
            "expectedGb": float(estimate.expected),
            "highGb": float(estimate.high),
            "wantedGb": float(choice.wanted_gb),
            "arithmetic": estimate.arithmetic,
        },
        "chosen": None if choice.chosen is None else choice.chosen.pool.id,
        "fits": [_candidate(candidate) for candidate in choice.fits],
        "rejected": [{"pool": pool.id, "memoryGb": pool.memory_gb, "reason": why} for pool, why in choice.rejected],
    }


def _candidate(candidate: Candidate) -> JsonObject:
    pool: Pool = candidate.pool
    return {
        "pool": pool.id,
        "memoryGb": pool.memory_gb,
        "pricePerHour": float(candidate.price_per_hour),
        "pricePerMonth": float(rounded(candidate.price_per_hour * 720)),
        "reservedPerHour": None if pool.reserved_per_hour is None else float(pool.reserved_per_hour),
        "stock": candidate.stock,
        "dataCenters": dict(pool.data_centers),
        "volumeDataCenters": list(candidate.volume_data_centers),
        "cudaVersions": list(pool.cuda_versions),
        "gpuTypes": list(pool.gpu_types),
    }
