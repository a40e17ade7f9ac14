"""What a `ServerlessService` is declared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from pulumi_runpod.components.inputs import ColdStart, GpuNeed, Traffic
from pulumi_runpod.components.worker_image import WorkerImageArgs
from pulumi_runpod.planning.service import Environment, Guard
from pulumi_runpod.resources.args import QueueDelayArgs, RolloutArgs, ScalingArgs
from pulumi_runpod.resources.endpoint import FlashBoot
from pulumi_runpod.resources.network_volume import NetworkVolume


@dataclass(frozen=True, kw_only=True)
class ServerlessServiceArgs:
    """A service on any image that implements RunPod's worker protocol."""

    image: pulumi.Input[str] | WorkerImageArgs
    """Image reference; one pinned by digest rolls out reliably. Or `WorkerImageArgs(repository=...)`: built, pushed and
    pinned by the `up` that deploys it.
    """
    gpu_pools: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """Ids of serverless GPU pools (`ADA_24`), best first. Without them, `gpu` chooses one."""
    gpu: GpuNeed | None = None
    """What the GPU must hold, `GpuNeed(vram_gb=12)`. Without `gpu_pools`, the cheapest pool that fits is taken, and
    stays while it fits; with them, the need is what they are checked against.
    """
    gpu_count: pulumi.Input[int] = 1
    """GPUs per worker."""
    min_cuda_version: pulumi.Input[str] | None = None
    """`"12.8"`: workers run on hosts with this or newer. Default: any."""
    workers_min: pulumi.Input[int] = 0
    """Workers that are always warm, and always billed."""
    workers_max: pulumi.Input[int] = 3
    """Most workers at a time; 0 stops the service."""
    idle_timeout_seconds: pulumi.Input[int] = 60
    """How long a worker waits after its last job. A service that scales by REQUEST_COUNT has none."""
    scaling: ScalingArgs = field(default_factory=lambda: QueueDelayArgs(type="QUEUE_DELAY", queue_delay=4))
    """What adds a worker. Default: a request that has waited 4 seconds."""
    execution_timeout_seconds: pulumi.Input[int] = 240
    """RunPod ends a job that has worked this long: take the worst case, not the average."""
    endpoint_timeout_seconds: pulumi.Input[int] = 300
    """How long callers wait, queue included. RunPod has no such limit: it is exported for clients to keep."""
    flashboot: pulumi.Input[FlashBoot] = "FLASHBOOT"
    """Skips image pull and container start on a revived worker, not the load of the model."""
    data_centers: Sequence[pulumi.Input[str]] = ()
    """Where workers may run. Default: the service picks."""
    volumes: Sequence[NetworkVolume | pulumi.Input[str]] = ()
    """Volumes, or their ids; at most one per data center. Workers see theirs at `/runpod-volume`."""
    env: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment of the workers; mark an entry secret to hide it."""
    container_disk_gb: pulumi.Input[int] = 20
    """Disk of each worker beside its image; gone with the worker."""
    registry: pulumi.Input[str] | None = None
    """Id of a registry credential for a private image. Default: none, or the login that the image is pushed with."""
    rollout: RolloutArgs | None = None
    """`{"timeout": 600, "smoke_input": {...}}`: an `up` ends when its release serves, or takes it back and
    fails with the reason. `timeout`: seconds for the whole wait. `smoke_input`: input of a job that must end
    COMPLETED; without one, a worker must be ready. Default: no wait.
    """

    environment: Environment | None = None
    """What the service is for: some advice holds in dev or prod alone. Default: nothing is assumed."""
    traffic: Traffic | None = None
    """What is expected of it; without it the monthly cost is a wide range."""
    cold_start: ColdStart = field(default_factory=ColdStart)
    """What was measured of a cold start; the rest is forecast."""
    guard: Guard = "warn"
    """`warn`: advice is said, errors stop. `error`: warnings stop as well. `off`: no advice."""
    silenced: Mapping[str, str] = field(default_factory=dict)
    """Id of a rule (`RP004`) -> why it does not hold here."""
