"""`pulumi-runpod cost`: what a service costs a month, against a reserved GPU and with a warm worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pulumi_runpod.cli import plan_flags as flag
from pulumi_runpod.cli.catalog_source import Read, read_catalog
from pulumi_runpod.cli.stack import Stack
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.extras import require
from pulumi_runpod.planning.chooser import choose
from pulumi_runpod.planning.comparison import Reserved, WarmWorker, reserved, warm_worker
from pulumi_runpod.planning.cost import Bill, MonthlyCost, monthly_cost
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.money import change, plain, rounded, shown
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.wire.model import JsonObject

PRICE_FLAGS = ("serverless_per_hour", "reserved_per_hour", "active_per_hour")


def cost(
    stack: Stack = None,
    service: flag.Service = None,
    gpu_pools: flag.Pools = None,
    gpu_count: flag.GpuCount = None,
    vram: flag.Vram = None,
    weights_gb: flag.WeightsGb = None,
    workers_min: flag.WorkersMin = None,
    workers_max: flag.WorkersMax = None,
    idle_timeout_seconds: flag.IdleTimeout = None,
    flashboot: flag.FlashBoot = None,
    requests_per_day: flag.Requests = None,
    seconds_each: flag.SecondsEach = None,
    active_hours_per_day: flag.ActiveHours = None,
    model_load_seconds: flag.ModelLoad = None,
    volume_gb: flag.VolumeGb = None,
    container_disk_gb: flag.DiskGb = None,
    serverless_per_hour: Annotated[
        str | None, typer.Option(help="Price of a GPU instead of the catalog's.", metavar="USD")
    ] = None,
    reserved_per_hour: Annotated[
        str | None, typer.Option(help="Price of the same GPU, reserved.", metavar="USD")
    ] = None,
    active_per_hour: Annotated[
        str | None, typer.Option(help="Price of a worker that is kept warm, where it differs.", metavar="USD")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the arithmetic of every line.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw cost against utilisation, with the crossover.", metavar="FILE.png|svg")
    ] = None,
    theme: Annotated[str, typer.Option(help="Of the drawing: light or dark.", metavar="WORD")] = "light",
    offline: flag.Offline = False,
    as_json: flag.Json = False,
) -> None:
    """Print the monthly cost as a range, with reserved GPUs and a warm worker beside it. Money is USD.

    Of a stack's services as they are deployed (--stack), of flags, or of a stack changed by flags.
    """
    given = flag.fields(
        gpu_pools=gpu_pools,
        gpu_count=gpu_count,
        workers_min=workers_min,
        workers_max=workers_max,
        idle_timeout_seconds=idle_timeout_seconds,
        flashboot=flashboot,
        container_disk_gb=container_disk_gb,
        traffic={
            "requests_per_day": requests_per_day,
            "seconds_each": seconds_each,
            "active_hours_per_day": active_hours_per_day,
        },
        volume={"size_gb": volume_gb},
        need=flag.need_of(vram=vram, weights_gb=weights_gb),
        cold_start={"model_load_seconds": model_load_seconds},
    )
    own = dict(zip(PRICE_FLAGS, (serverless_per_hour, reserved_per_hour, active_per_hour), strict=True))
    prices_given = {name: value for name, value in own.items() if value is not None}
    draw = _drawing(plot, theme)
    fields = flag.plans(stack=stack, service=service, given=given)
    read = read_catalog(stack=stack, offline=offline or "serverless_per_hour" in prices_given)
    items = []
    for each in fields:
        plan = flag.plan_of(with_pool(each, read, priced="serverless_per_hour" in prices_given))
        items.append((plan, _prices(plan, read, prices_given)))
    if as_json:
        typer.echo(json.dumps([_json(plan, prices) for plan, prices in items]))
    else:
        for plan, prices in items:
            _print(plan, prices, explain=explain)
    if plot is not None and draw is not None:
        plan, prices = items[0]
        draw(plan, prices, plot)


def with_pool(fields: Mapping[str, Any], read: Read, *, priced: bool = False) -> JsonObject:
    """With a pool chosen by the need where none is named; `priced`: the price was given, the pool does not matter."""
    if fields.get("gpu_pools"):
        return dict(fields)
    if priced:
        return {**fields, "gpu_pools": ["GPU"]}
    if not fields.get("need"):
        raise RunPodError("which GPU? Name a pool (--gpu-pools ADA_24), a need (--vram 12) or a stack (--stack dev)")
    need = flag.checked(lambda: GpuNeed.model_validate(fields["need"]))
    choice = choose(need, read.market.pools.values(), data_centers=fields.get("data_centers") or ())
    if choice.chosen is None:
        raise RunPodError(choice.explained())
    return {**fields, "gpu_pools": [choice.chosen.pool.id]}


def _prices(plan: ServicePlan, read: Read, given: Mapping[str, str]) -> Prices:
    pool = plan.gpu_pools[0]
    found = read.market.prices(pool)
    if "serverless_per_hour" in given:
        return flag.checked(lambda: Prices.model_validate(given))
    if found is None:
        priced = ", ".join(sorted(name for name, p in read.market.pools.items() if p.price_per_hour is not None))
        raise RunPodError(
            f"{pool} has no serverless price in the {read.market.source}: take one of {priced}, or give "
            "--serverless-per-hour"
        )
    return flag.checked(lambda: Prices.model_validate({**found.model_dump(exclude_none=True), **given}))


def _drawing(plot: Path | None, theme: str) -> Any:
    if plot is None:
        return None
    if plot.suffix.lower() not in (".png", ".svg"):
        raise RunPodError(f"--plot {plot}: the name must end in .png or .svg")
    if not plot.parent.is_dir():
        raise RunPodError(f"--plot {plot}: there is no folder {plot.parent}")
    if theme not in ("light", "dark"):
        raise RunPodError(f"--theme {theme}: must be light or dark")
    require("plot", "--plot")
    from pulumi_runpod.cli.cost_plot import draw

    chosen: Literal["light", "dark"] = "dark" if theme == "dark" else "light"
    return lambda plan, prices, file: draw(plan, prices, file=file, theme=chosen)


def _print(plan: ServicePlan, prices: Prices, *, explain: bool) -> None:
    result = monthly_cost(plan, prices)
    typer.echo(f"{plan.name}: {result.range()}; {_prices_text(prices)}")
    for note in result.notes:
        typer.echo(f"  note: {note}")
    if explain:
        for name, bill in _bills(result).items():
            typer.echo(f"  {name}: {shown(bill.total)}")
            for part in bill.lines:
                typer.echo(f"    {part.what}: {part.arithmetic}")
    if (other := reserved(plan, prices)) is not None:
        typer.echo(f"  {_reserved_text(other)}")
    if (warm := warm_worker(plan, prices)) is not None:
        typer.echo(f"  {_warm_text(warm, prices)}")


def _prices_text(prices: Prices) -> str:
    return f"${plain(prices.serverless_per_hour)}/h, {prices.source}"


def _reserved_text(result: Reserved) -> str:
    gpus = f"{result.gpus} GPU{'s' if result.gpus > 1 else ''}"
    text = f"reserved: {gpus} around the clock {shown(result.per_month)} a month"
    if result.crossover >= 1:
        return f"{text}; serverless work costs less at any load"
    text += f", cheaper than serverless work from {plain(result.crossover * 100, digits=3)} % busy on"
    if result.crossover_requests_per_day is not None and result.utilisation is not None:
        text += (
            f" ({result.crossover_requests_per_day:,.0f} requests a day a GPU); declared: "
            f"{plain(result.utilisation * 100, digits=3)} %"
        )
    return text


def _warm_text(result: WarmWorker, prices: Prices) -> str:
    text = (
        f"a warm worker: ${plain(prices.warm_per_hour)}/h x 24 h = {shown(result.per_day)} a day, "
        f"{shown(result.per_month)} a month, {shown(result.per_request)} a request; "
        f"{change(result.extra_per_month)} a month against none"
    )
    if result.per_cold_start_avoided is not None:
        text += f", {shown(result.per_cold_start_avoided)} for each cold start less"
    if result.break_even_requests_per_day is None:
        return f"{text}; it never breaks even"
    return f"{text}; breaks even at about {result.break_even_requests_per_day:,} requests a day"


def _bills(result: MonthlyCost) -> dict[str, Bill]:
    bills = {"low": result.low, "expected": result.expected, "high": result.high}
    return {name: bill for name, bill in bills.items() if bill is not None}


def _json(plan: ServicePlan, prices: Prices) -> JsonObject:
    result = monthly_cost(plan, prices)
    other, warm = reserved(plan, prices), warm_worker(plan, prices)
    return {
        "name": plan.name,
        "currency": result.currency,
        "prices": {
            "source": prices.source,
            "serverlessPerHour": _number(prices.serverless_per_hour),
            "activePerHour": _number(prices.warm_per_hour),
            "reservedPerHour": _number(prices.reserved_per_hour),
        },
        "low": _number(result.low.total),
        "expected": _number(result.expected.total if result.expected else None),
        "high": _number(result.high.total),
        "bills": {
            name: [{"what": p.what, "amount": _cents(p.amount), "arithmetic": p.arithmetic} for p in bill.lines]
            for name, bill in _bills(result).items()
        },
        "notes": list(result.notes),
        "reserved": None
        if other is None
        else {
            "gpus": other.gpus,
            "perMonth": _cents(other.per_month),
            "crossoverUtilisation": _number(other.crossover),
            "crossoverRequestsPerDay": _number(other.crossover_requests_per_day),
            "utilisation": _number(other.utilisation),
        },
        "warmWorker": None
        if warm is None
        else {
            "perDay": _cents(warm.per_day),
            "perMonth": _cents(warm.per_month),
            "perRequest": _number(warm.per_request),
            "extraPerMonth": _cents(warm.extra_per_month),
            "coldStartsAvoidedPerDay": _number(warm.cold_starts_avoided_per_day),
            "perColdStartAvoided": _number(warm.per_cold_start_avoided),
            "breakEvenRequestsPerDay": _number(warm.break_even_requests_per_day),
        },
    }


def _cents(amount: Decimal) -> float:
    return float(rounded(amount))


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
