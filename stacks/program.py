"""The program of every stack: settings in, one SDXL service out."""

from __future__ import annotations

import sys

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from pulumi_runpod.components import ColdStart, GpuNeed, SdxlService, SdxlServiceArgs, Traffic
from stacks.settings import SettingsError, StackSettings, load

# What a program exits with when it has told the person everything: Pulumi's language host then adds nothing.
_TOLD = 32


def program() -> None:
    try:
        settings = load({**get_config_env(), **CONFIG.get()}, project=pulumi.get_project(), stack=pulumi.get_stack())
    except SettingsError as mistakes:
        for line in mistakes.lines:
            pulumi.log.error(line)
        sys.exit(_TOLD)
    service = SdxlService("sdxl", service_args(settings))
    pulumi.export("endpoint_id", service.endpoint_id)
    pulumi.export("request_urls", service.request_urls)
    pulumi.export("endpoint_timeout_seconds", service.endpoint_timeout_seconds)
    pulumi.export("volume_id", service.volume_ids[0])
    pulumi.export("model", settings.model)
    pulumi.export("monthly_cost", service.monthly_cost)


def service_args(settings: StackSettings) -> SdxlServiceArgs:
    """The settings in the component's words."""
    return SdxlServiceArgs(
        image=settings.image,
        model=settings.model,
        gpu_pools=None if _chooses_pool(settings) else settings.gpu_pools,
        gpu=None if settings.gpu_vram_gb is None else GpuNeed(vram_gb=settings.gpu_vram_gb),
        workers_min=settings.workers_min,
        workers_max=settings.workers_max,
        idle_timeout_seconds=settings.idle_timeout_seconds,
        scaling=(
            {"type": "QUEUE_DELAY", "queue_delay": settings.queue_delay_seconds}
            if settings.scaler == "QUEUE_DELAY"
            else {"type": "REQUEST_COUNT", "request_count": settings.request_count}
        ),
        execution_timeout_seconds=settings.execution_timeout_seconds,
        endpoint_timeout_seconds=settings.endpoint_timeout_seconds,
        flashboot=settings.flashboot,
        data_centers=settings.data_centers,
        volume_size_gb=settings.volume_size_gb,
        protect_volume=settings.protect_volume,
        container_disk_gb=settings.container_disk_gb,
        environment=settings.environment,
        traffic=_traffic(settings),
        cold_start=ColdStart(model_load_seconds=settings.model_load_seconds),
        guard=settings.guard,
        silenced=settings.silenced_advice,
    )


def _chooses_pool(settings: StackSettings) -> bool:
    return settings.gpu_vram_gb is not None and "gpu_pools" not in settings.model_fields_set


def _traffic(settings: StackSettings) -> Traffic | None:
    if settings.requests_per_day is None or settings.seconds_each is None:
        return None
    return Traffic(
        requests_per_day=settings.requests_per_day,
        seconds_each=settings.seconds_each,
        bursty=settings.bursty,
        active_hours_per_day=settings.active_hours_per_day,
        latency_target_seconds=settings.latency_target_seconds,
        worst_case_seconds=settings.worst_case_seconds,
    )
