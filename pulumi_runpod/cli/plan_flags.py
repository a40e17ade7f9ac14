"""The flags of `cost`, `advise` and `gpus`, and the plan that they make: of a deployed stack, of flags, or of both.

Numbers are taken as text and judged by planning, so that every bad one gets its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import typer

from pulumi_runpod.cli.stack_plans import deployed_plans
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.planning.quantities import Mistake, PlanningError
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.wire.model import JsonObject

T = TypeVar("T")


def _flag(name: str, text: str, metavar: str = "NUMBER") -> Any:
    return typer.Option(name, help=text, metavar=metavar)


Service = Annotated[str | None, _flag("--service", "Only this service of the stack.", "NAME")]
Offline = Annotated[bool, typer.Option("--offline", help="Use the dated copy of the catalog, without a call.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Vram = Annotated[str | None, _flag("--vram", "GPU memory that the model needs at its peak.", "GB")]
WeightsGb = Annotated[str | None, _flag("--weights-gb", "Instead of --vram: size of the weight files.", "GB")]
StoredDtype = Annotated[str | None, _flag("--stored-dtype", "What the weight files hold (float16).", "DTYPE")]
Dtype = Annotated[str | None, _flag("--dtype", "What the model is loaded as (float16).", "DTYPE")]
Resolution = Annotated[str | None, _flag("--resolution", "Largest image, 1024x1024.", "WxH")]
Images = Annotated[str | None, _flag("--images", "Images made at once.")]
MinCuda = Annotated[str | None, _flag("--min-cuda-version", "CUDA that the image was built for.", "X.Y")]
Pools = Annotated[list[str] | None, _flag("--gpu-pools", "Serverless pool, best first; repeatable.", "POOL")]
GpuCount = Annotated[str | None, _flag("--gpu-count", "GPUs per worker.")]
DataCenters = Annotated[list[str] | None, _flag("--data-center", "Where workers may run; repeatable.", "ID")]
VolumeGb = Annotated[str | None, _flag("--volume-gb", "Size of the network volume.", "GB")]
VolumeCenter = Annotated[str | None, _flag("--volume-data-center", "Where the volume lies.", "ID")]
DiskGb = Annotated[str | None, _flag("--container-disk-gb", "Container disk of a worker.", "GB")]
WorkersMin = Annotated[str | None, _flag("--workers-min", "Workers that are kept warm.")]
WorkersMax = Annotated[str | None, _flag("--workers-max", "Most workers.")]
IdleTimeout = Annotated[str | None, _flag("--idle-timeout-seconds", "How long a worker waits after a job.")]
FlashBoot = Annotated[str | None, _flag("--flashboot", "OFF, FLASHBOOT or PRIORITY_FLASHBOOT.", "WORD")]
Requests = Annotated[str | None, _flag("--requests-per-day", "Expected requests a day.")]
SecondsEach = Annotated[str | None, _flag("--seconds-each", "Average time at work of a request.")]
ActiveHours = Annotated[str | None, _flag("--active-hours-per-day", "Hours that a day's requests spread over.")]
Bursty = Annotated[bool | None, typer.Option("--bursty/--steady", help="Whether requests come in waves.")]
LatencyTarget = Annotated[str | None, _flag("--latency-target-seconds", "How soon callers need the answer.")]
WorstCase = Annotated[str | None, _flag("--worst-case-seconds", "The longest that a healthy request takes.")]
ModelLoad = Annotated[str | None, _flag("--model-load-seconds", "Measured model load at a cold start.")]
ExecutionTimeout = Annotated[str | None, _flag("--execution-timeout-seconds", "RunPod ends a job after this.")]
EndpointTimeout = Annotated[str | None, _flag("--endpoint-timeout-seconds", "Callers wait this long.")]

_NESTED = frozenset({"traffic", "need", "cold_start", "volumes"})
_FLAG_OF = {
    "vram_gb": "--vram",
    "size_gb": "--volume-gb",
    "data_centers": "--data-center",
    "data_center": "--volume-data-center",
    "silenced": "--silence",
}


def need_of(
    *,
    vram: str | None,
    weights_gb: str | None = None,
    stored_dtype: str | None = None,
    dtype: str | None = None,
    resolution: str | None = None,
    images: str | None = None,
    min_cuda_version: str | None = None,
) -> JsonObject:
    """Fields of a `GpuNeed`; empty when nothing was said."""
    size = None if resolution is None else resolution.lower().split("x")
    return _given(
        vram_gb=vram,
        weights_gb=weights_gb,
        stored_dtype=stored_dtype,
        dtype=dtype,
        resolution=size,
        images=images,
        min_cuda_version=min_cuda_version,
    )


def plans(*, stack: str | None, service: str | None, given: Mapping[str, Any]) -> list[JsonObject]:
    """Fields of every plan that is meant: of the stack's services, changed by what was `given`, or of flags alone."""
    if stack is None:
        return [dict(given)]
    found = deployed_plans(stack)
    chosen = [plan for plan in found if service in (None, plan.get("name"))]
    if not chosen:
        names = ", ".join(sorted(str(plan.get("name")) for plan in found))
        raise RunPodError(f"stack {stack} has no service {service!r}; it has {names}")
    return [_merged(plan, given) for plan in chosen]


def fields(
    *,
    traffic: Mapping[str, Any],
    volume: Mapping[str, Any],
    need: Mapping[str, Any],
    cold_start: Mapping[str, Any],
    **plain: Any,
) -> JsonObject:
    """Fields of a `ServicePlan` out of flags; what was not said is left out."""
    nested = {
        "traffic": _given(**traffic),
        "need": _given(**need),
        "cold_start": _given(**cold_start),
        "volumes": [result] if (result := _given(**volume)) else [],
    }
    return {**_given(**plain), **{key: value for key, value in nested.items() if value}}


def checked(build: Callable[[], T]) -> T:
    """What `build` makes; a value that it refuses is a line on stderr, under its flag, and exit code 2."""
    try:
        return build()
    except PlanningError as error:
        for mistake in error.mistakes:
            typer.echo(f"error: {line(mistake)}", err=True)
    raise typer.Exit(2)


def line(mistake: Mistake) -> str:
    """`traffic.requests_per_day` is `--requests-per-day` here."""
    parts = [part for part in mistake.field.split(".") if not part.isdigit()]
    if parts[0] in _NESTED:
        parts = parts[1:] or parts
    name, *rest = parts
    return mistake.line(" ".join([_FLAG_OF.get(name, f"--{name.replace('_', '-')}"), *rest]))


def plan_of(given: Mapping[str, Any]) -> ServicePlan:
    return checked(lambda: ServicePlan.model_validate(given))


def pairs(values: Iterable[str] | None) -> dict[str, str]:
    """`RP004=why` -> {"RP004": "why"}."""
    found = {}
    for value in values or ():
        name, _, why = value.partition("=")
        found[name.strip()] = why.strip()
    return found


def _given(**values: Any) -> JsonObject:
    return {key: value for key, value in values.items() if value not in (None, [], {})}


def _merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> JsonObject:
    both = {**stored, **given}
    for key in ("traffic", "cold_start"):
        if isinstance(stored.get(key), dict) and isinstance(given.get(key), dict):
            both[key] = {**stored[key], **given[key]}
    return both
