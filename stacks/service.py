"""A service stack: one SDXL service, with its own volumes or the platform's, and an image named or promoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from pulumi_runpod import RegistryCredential, RolloutArgs
from pulumi_runpod.components import SDXL_SMOKE_INPUT, ColdStart, GpuNeed, SdxlService, SdxlServiceArgs, Traffic
from stacks.build import Worker, built_worker
from stacks.references import output_of
from stacks.settings import BUILD, ServiceSettings
from stacks.weights import weights_source


def declare(settings: ServiceSettings) -> None:
    service = SdxlService("sdxl", service_args(settings))
    pulumi.export("endpoint_id", service.endpoint_id)
    pulumi.export("request_urls", service.request_urls)
    pulumi.export("endpoint_timeout_seconds", service.endpoint_timeout_seconds)
    pulumi.export("volume_ids", service.volume_ids)
    pulumi.export("model", settings.model)
    # For the stack that it is promoted to, which is to take no image that has failed here.
    pulumi.export("image", service.endpoint.released_image)
    pulumi.export("monthly_cost", service.monthly_cost)


def service_args(settings: ServiceSettings, *, name: str = "sdxl") -> SdxlServiceArgs:
    """The settings in the component's words. `name`: of the credential that a private image takes."""
    runs = worker(settings, name=name)
    return SdxlServiceArgs(
        image=runs.image,
        registry=runs.registry,
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
        volumes=platform_volumes(settings),
        volume_size_gb=settings.volume_size_gb,
        weights=weights_source(settings),
        protect_volume=settings.protect_volume,
        container_disk_gb=settings.container_disk_gb,
        rollout=_rollout(settings),
        environment=settings.environment,
        traffic=_traffic(settings),
        cold_start=ColdStart(model_load_seconds=settings.model_load_seconds),
        guard=settings.guard,
        silenced=settings.silenced_advice,
    )


def worker(settings: ServiceSettings, *, name: str) -> Worker:
    """What is built here, or the image that the settings name, or the one that was promoted.

    Raises RunError when the promoted one has no digest, or when another one is named and nobody has allowed that.
    """
    named = settings.image
    if settings.promote_from is None or (named is not None and settings.allow_unpromoted_image):
        return built_worker(settings) if named == BUILD else Worker(named or "", _login(settings, name))
    return Worker(_promoted(settings.promote_from, named), _login(settings, name))


def _login(settings: ServiceSettings, name: str) -> pulumi.Output[str] | None:
    """Id of a credential for an image that another stack, or somebody else, has pushed."""
    user, password = settings.registry_username, settings.registry_password
    if user is None or password is None:
        return None
    secret = pulumi.Output.secret(password.get_secret_value())
    return RegistryCredential(name, username=user, password=secret).id


def _promoted(source: str, named: str | None) -> pulumi.Output[str]:
    """The image that stack `source` runs, which must be the one that is named, where one is."""

    def promoted(running: str) -> str:
        if named is not None and named != running:
            raise pulumi.RunError(
                f"image is {named}, but {source} runs {running}: take image out of this stack's settings "
                "(pulumi config rm image), or say that you mean it (pulumi config set allowUnpromotedImage true)"
            )
        if "@sha256:" not in running:
            raise pulumi.RunError(
                f"{source} runs {running}, which names no digest, so that it may be another image tomorrow: deploy "
                f"one by digest there (pulumi config set image NAME@sha256:... --stack {source})"
            )
        return running

    advice = f"deploy it first (STACK={source} make up), or name an image here and set allowUnpromotedImage"
    return output_of(source, "image", advice=advice).apply(promoted)


def platform_volumes(settings: ServiceSettings) -> Sequence[pulumi.Input[str]]:
    """Ids of the platform's volumes in this service's data centers; none when it has its own."""
    platform = settings.platform_stack
    if platform is None:
        return ()
    volumes = output_of(platform, "volumes", advice=f"deploy it first (STACK={platform} make up)")

    def in_center(data_center: str) -> pulumi.Output[str]:
        def volume(ids: Mapping[str, str]) -> str:
            if data_center not in ids:
                raise pulumi.RunError(
                    f"{platform} has no volume in {data_center}, only in {', '.join(ids)}: "
                    "change dataCenters there or here"
                )
            return ids[data_center]

        return volumes.apply(volume)

    return [in_center(data_center) for data_center in settings.data_centers]


def _chooses_pool(settings: ServiceSettings) -> bool:
    return settings.gpu_vram_gb is not None and "gpu_pools" not in settings.model_fields_set


def _rollout(settings: ServiceSettings) -> RolloutArgs | None:
    if settings.health_gate == "off":
        return None
    rollout: RolloutArgs = {"timeout": settings.health_gate_timeout_seconds}
    if settings.health_gate == "smoke":
        rollout["smoke_input"] = SDXL_SMOKE_INPUT if settings.smoke_input is None else settings.smoke_input
    return rollout


def _traffic(settings: ServiceSettings) -> Traffic | None:
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
