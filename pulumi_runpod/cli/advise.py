"""`pulumi-runpod advise`: advice on a service's settings, rule by rule, with exit codes for scripts."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

import typer

from pulumi_runpod.cli import plan_flags as flag
from pulumi_runpod.cli.catalog_source import read_catalog
from pulumi_runpod.cli.cost import with_pool
from pulumi_runpod.cli.stack import Stack
from pulumi_runpod.planning.advice import Advice
from pulumi_runpod.planning.review import Review, review
from pulumi_runpod.planning.rules import RULES
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.wire.model import JsonObject

WARNED, WRONG = 3, 4


def advise(
    stack: Stack = None,
    service: flag.Service = None,
    environment: Annotated[str | None, typer.Option(help="dev, staging or prod.", metavar="WORD")] = None,
    image: Annotated[str | None, typer.Option(help="The worker's image.", metavar="REFERENCE")] = None,
    gpu_pools: flag.Pools = None,
    gpu_count: flag.GpuCount = None,
    vram: flag.Vram = None,
    weights_gb: flag.WeightsGb = None,
    data_centers: flag.DataCenters = None,
    volume_gb: flag.VolumeGb = None,
    volume_data_center: flag.VolumeCenter = None,
    workers_min: flag.WorkersMin = None,
    workers_max: flag.WorkersMax = None,
    idle_timeout_seconds: flag.IdleTimeout = None,
    flashboot: flag.FlashBoot = None,
    execution_timeout_seconds: flag.ExecutionTimeout = None,
    endpoint_timeout_seconds: flag.EndpointTimeout = None,
    requests_per_day: flag.Requests = None,
    seconds_each: flag.SecondsEach = None,
    active_hours_per_day: flag.ActiveHours = None,
    bursty: flag.Bursty = None,
    latency_target_seconds: flag.LatencyTarget = None,
    worst_case_seconds: flag.WorstCase = None,
    model_load_seconds: flag.ModelLoad = None,
    silence: Annotated[
        list[str] | None, typer.Option(help="Do not say this rule; repeatable.", metavar="RP004=why")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules and stop.")] = False,
    offline: flag.Offline = False,
    as_json: flag.Json = False,
) -> None:
    """Print the advice on a stack's services, on flags, or on a stack changed by flags.

    Exit codes: 0 nothing but information, 1 the command failed, 2 wrong usage, 3 a warning, 4 an error. The guard level
    of a stack does not matter here, its silenced rules do.
    """
    if rules:
        _list_rules(as_json=as_json)
        return
    given = flag.fields(
        environment=environment,
        image=image,
        gpu_pools=gpu_pools,
        gpu_count=gpu_count,
        data_centers=data_centers,
        workers_min=workers_min,
        workers_max=workers_max,
        idle_timeout_seconds=idle_timeout_seconds,
        flashboot=flashboot,
        execution_timeout_seconds=execution_timeout_seconds,
        endpoint_timeout_seconds=endpoint_timeout_seconds,
        silenced=flag.pairs(silence),
        traffic={
            "requests_per_day": requests_per_day,
            "seconds_each": seconds_each,
            "active_hours_per_day": active_hours_per_day,
            "bursty": bursty,
            "latency_target_seconds": latency_target_seconds,
            "worst_case_seconds": worst_case_seconds,
        },
        volume={"size_gb": volume_gb, "data_center": volume_data_center},
        need=flag.need_of(vram=vram, weights_gb=weights_gb),
        cold_start={"model_load_seconds": model_load_seconds},
    )
    fields = flag.plans(stack=stack, service=service, given=given)
    read = read_catalog(stack=stack, offline=offline)
    items: list[tuple[ServicePlan, Review]] = []
    for each in fields:
        plan = flag.plan_of({**with_pool(each, read), "guard": "warn"})
        items.append((plan, flag.checked(partial(review, plan, read.market))))
    if as_json:
        typer.echo(json.dumps([_json(plan, seen, read.market.source) for plan, seen in items]))
    else:
        for plan, seen in items:
            _print(plan, seen)
    grave = {seen.worst for _, seen in items}
    if "error" in grave:
        raise typer.Exit(WRONG)
    if "warning" in grave:
        raise typer.Exit(WARNED)


def _print(plan: ServicePlan, seen: Review) -> None:
    if not seen.advice:
        typer.echo(f"{plan.name}: nothing to say")
    for advice in seen.advice:
        typer.echo(f"{plan.name}: {advice.severity}: {advice.line()}")
    for advice in seen.silenced:
        typer.echo(f"{plan.name}: silenced: {advice.id} {advice.title} ({advice.silenced})")


def _json(plan: ServicePlan, seen: Review, source: str) -> JsonObject:
    return {
        "name": plan.name,
        "currency": "USD",
        "prices": source,
        "worst": seen.worst,
        "advice": [_advice(advice) for advice in seen.advice],
        "silenced": [_advice(advice) for advice in seen.silenced],
    }


def _advice(advice: Advice) -> JsonObject:
    return {
        "id": advice.id,
        "title": advice.title,
        "severity": advice.severity,
        "reason": advice.reason,
        "fix": advice.fix,
        "savingPerMonth": None if advice.saving is None else float(advice.saving),
        "silenced": advice.silenced,
    }


def _list_rules(*, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"id": r.id, "title": r.title, "severity": r.severity} for r in RULES]))
        return
    for rule in RULES:
        typer.echo(f"{rule.id}  {rule.severity:<8}{rule.title}")
