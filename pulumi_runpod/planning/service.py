"""One endpoint as it is planned: what costs money, what limits it, and the traffic that it is made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from pulumi_runpod.planning.cold_start import ColdStart
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.quantities import WEEK_SECONDS, Gigabytes, Given, Mistake
from pulumi_runpod.planning.traffic import Traffic
from pulumi_runpod.wire.endpoint import FlashBoot
from pulumi_runpod.wire.endpoint_defaults import DEFAULT_IDLE_TIMEOUT_S, has_idle_timeout
from pulumi_runpod.wire.network_volume import VolumeType

Workers = Annotated[int, Field(ge=0, le=1000)]
TimeoutSeconds = Annotated[int, Field(ge=1, le=WEEK_SECONDS)]
Guard = Literal["off", "warn", "error"]
Environment = Literal["dev", "staging", "prod"]


class VolumePlan(Given):
    size_gb: Gigabytes
    data_center: str | None = None
    """None: not known before it is deployed."""
    type: VolumeType = "STANDARD"


class ServicePlan(Given):
    """Inputs of cost and advice. Seconds and GB; every count is per endpoint."""

    name: str = "endpoint"
    environment: Environment | None = None
    image: str | None = None
    """None: not known before it is built."""

    gpu_pools: Annotated[tuple[str, ...], Field(min_length=1)]
    """Serverless pools, best first; money is reckoned with the first."""
    gpu_count: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs per worker."""
    need: GpuNeed | None = None
    data_centers: tuple[str, ...] = ()
    """Where workers may run; empty: anywhere."""
    volumes: tuple[VolumePlan, ...] = ()
    container_disk_gb: Gigabytes = 20

    workers_min: Workers = 0
    workers_max: Workers = 3
    scaler: Literal["QUEUE_DELAY", "REQUEST_COUNT"] = "QUEUE_DELAY"
    idle_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """Of no effect where the scaler has none: a queue that scales by request count."""
    flashboot: FlashBoot = "OFF"
    execution_timeout_seconds: TimeoutSeconds | None = None
    endpoint_timeout_seconds: TimeoutSeconds | None = None
    """How long a caller waits."""

    traffic: Traffic | None = None
    cold_start: ColdStart = ColdStart()
    guard: Guard = "warn"
    silenced: Mapping[str, str] = Field(default_factory=dict)
    """Id of a rule -> why it does not apply here."""

    def contradictions(self) -> list[Mistake]:
        if self.workers_min <= self.workers_max:
            return []
        return [Mistake("workers_min", self.workers_min, f"must be at most workers_max, which is {self.workers_max}")]

    @property
    def has_flashboot(self) -> bool:
        return self.flashboot != "OFF"

    @property
    def has_idle_timeout(self) -> bool:
        return has_idle_timeout("QUEUE", self.scaler)

    @property
    def idle_window_seconds(self) -> int:
        """Where none can be set, what RunPod applies is not published: its default is assumed."""
        return self.idle_timeout_seconds if self.has_idle_timeout else DEFAULT_IDLE_TIMEOUT_S
