"""What a stack may set, with ranges and units. `loading.py` reads them, and has the defaults of each environment.

A stack is either the platform (what services share) or a service in one environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, SecretStr
from pydantic.alias_generators import to_camel

WEEK_SECONDS = 7 * 24 * 3600
BUILD = "build"
"""As `image`: this program builds it."""
ServiceEnvironment = Literal["dev", "staging", "prod"]


def _split(value: object) -> object:
    """A list may be written as YAML, as JSON text (how Pulumi hands YAML over) or as `A,B`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _reasons(value: object) -> object:
    """A map may be written as YAML, as JSON text or as `A=why; B=why`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    return {name.strip(): why.strip() for name, _, why in pairs}


def _json(value: object) -> object:
    """A job's input is written as YAML, or as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@dataclass(frozen=True)
class Allowed:
    """What a setting takes, in words, where its type does not say it well."""

    text: str


Words = Annotated[str, Field(min_length=1)]
Reasons = Annotated[Mapping[Words, Words], BeforeValidator(_reasons), Allowed("must be a map, written A=why; B=why")]
Names = Annotated[tuple[str, ...], BeforeValidator(_split), Allowed("must be a list of names, written A,B")]
JobInput = Annotated[
    Mapping[str, JsonValue] | None, BeforeValidator(_json), Allowed("must be the input of a job, a JSON object")
]
StackName = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,2}$")] | None,
    Allowed("must be the name of a stack, such as platform or organization/project/platform"),
]
"""`platform`, or `organization/project/platform` for a stack of another project."""
HealthGate = Literal["off", "worker", "smoke"]


class CommonSettings(BaseModel):
    """`pulumi config set KEY VALUE`; a list is written `A,B`."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    data_centers: Names = Field(default=("EU-RO-1",), min_length=1)
    """Where workers may run; a volume lies in each."""
    volume_size_gb: int = Field(default=20, ge=10, le=4096)
    """Of each volume. Grows, never shrinks."""
    protect_volume: bool = False
    """Refuse to delete the volumes."""
    weights_from: str | None = Field(
        default=None, min_length=1, examples=["hf:stabilityai/stable-diffusion-xl-base-1.0"]
    )
    """What to put on the volumes as `model`: a folder of the machine that runs `up`, or `hf:ORGANIZATION/NAME` for a
    repository in its Hugging Face cache. Without it, whatever lies there is used."""
    model: Annotated[str, Allowed("must be the name of a folder: letters, digits and . _ -")] = Field(
        default="sdxl-base", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    """Folder under `models/` on the volumes that holds the weights."""


class PlatformSettings(CommonSettings):
    """What the services of all environments share: the volumes."""

    environment: Literal["platform"]
    """Says that this stack is the platform. Default: the stack's own name, which must be platform then."""
    protect_volume: bool = True
    """Refuse to delete the volumes, which services of all environments use."""


class ServiceSettings(CommonSettings):
    """One SDXL service."""

    environment: ServiceEnvironment
    """Which defaults hold. Default: the stack's own name when that is dev, staging, prod, or pr-NUMBER (a dev)."""
    platform_stack: StackName = Field(default=None, examples=["platform"])
    """Stack that owns the volumes. Without it, the service has its own volumes."""

    image: str | None = Field(default=None, min_length=1, examples=["registry.example.com/team/sdxl-worker@sha256:..."])
    """The worker's image, or `build`; prod needs none. Where promoteFrom is set, only the promoted one is accepted."""
    image_repository: Annotated[
        Annotated[str, Field(pattern=r"^(localhost|[^/\s]+[.:][^/\s]*)/[a-z0-9._/-]+$")] | None,
        Allowed("must be HOST/PATH in lower case, without a tag"),
    ] = Field(default=None, examples=["registry.example.com/team/sdxl-worker"])
    """Where `image: build` is pushed to. Without it, to the registry of `make up`, for the local RunPod alone."""
    registry_username: str | None = Field(default=None, min_length=1, examples=["robot"])
    """For RunPod's pulls of the image, and for the push of one that is built. Without it, RunPod must be able to pull
    without a login, and the push is by the login of `docker`."""
    registry_password: Annotated[
        Annotated[SecretStr, Field(min_length=1)] | None, Allowed("must be a password, not an empty one")
    ] = Field(default=None, examples=["PASSWORD"])
    """Password or token of registryUsername; goes with it. Set it with `pulumi config set --secret`."""
    promote_from: StackName = Field(default=None, examples=["staging"])
    """Stack whose image is deployed here: the very digest that has proven itself there. Without it, `image` counts."""
    allow_unpromoted_image: bool = False
    """Deploy `image` although another one was promoted."""

    gpu_pools: Names = Field(default=("ADA_24",), min_length=1)
    """Ids of serverless GPU pools, best first; `pulumi-runpod gpus` lists them."""
    gpu_vram_gb: float | None = Field(default=None, ge=0.1, le=10_000, examples=[12])
    """GPU memory that the model needs. Where gpuPools is not set, the cheapest pool with 20 % more is taken; else the
    pools are checked. Without it, neither."""
    container_disk_gb: int = Field(default=20, ge=1, le=4096)
    """Disk of each worker for its image's changes and temporary files; gone with the worker."""

    workers_min: int = Field(ge=0, le=1000)
    """Always warm, always billed."""
    workers_max: int = Field(ge=0, le=1000)
    """The most at a time; 0 stops the service. The account's quota counts this, used or not."""
    idle_timeout_seconds: int = Field(default=60, ge=1, le=3600)
    """How long a worker waits after its last job. Not with REQUEST_COUNT, which has no such time."""
    scaler: Literal["QUEUE_DELAY", "REQUEST_COUNT"] = "QUEUE_DELAY"
    """What adds a worker: a request that waits long, or many requests."""
    queue_delay_seconds: float = Field(default=4, ge=0.5, le=3600)
    """QUEUE_DELAY: add a worker when a request has waited this long."""
    request_count: int = Field(default=4, ge=1, le=10_000)
    """REQUEST_COUNT: waiting and running requests per worker."""
    flashboot: Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"] = "FLASHBOOT"
    """Revives a worker that ended not long ago without image pull and container start. The model is loaded anew."""

    execution_timeout_seconds: int = Field(default=240, ge=5, le=WEEK_SECONDS)
    """RunPod ends a job that has worked this long (`timeout` of the endpoint)."""
    endpoint_timeout_seconds: int = Field(default=300, ge=6, le=WEEK_SECONDS)
    """How long a caller waits for an answer, queue included. RunPod knows no such limit: clients keep it, and so does
    `pulumi-runpod job run`. Above the execution timeout, so that a stuck job fails cleanly."""

    health_gate: HealthGate = "off"
    """When an `up` that makes a release ends: at once (`off`), when a `worker` of the release is ready, or when one has
    done a `smoke` job. A release that fails is taken back, and the `up` fails."""
    health_gate_timeout_seconds: int = Field(default=600, ge=10, le=7200)
    """For the whole wait: pull of the image, start, load of the model, smoke job."""
    smoke_input: JobInput = Field(default=None, examples=['{"prompt": "a red fox"}'])
    """Input of the smoke job, which must end COMPLETED. Without it, a small image of few steps."""

    requests_per_day: float | None = Field(default=None, ge=0.001, le=1_000_000_000, examples=[500])
    """Expected traffic, for cost and advice; goes with secondsEach. Without both, the monthly cost is a wide range."""
    seconds_each: float | None = Field(default=None, ge=0.001, le=WEEK_SECONDS, examples=[4])
    """Average time at work of a request; goes with requestsPerDay."""
    bursty: bool = True
    """Whether requests come in waves with pauses between."""
    active_hours_per_day: float = Field(default=24, ge=0.1, le=24)
    """Hours that the requests of a day spread over."""
    latency_target_seconds: float | None = Field(default=None, ge=0.001, le=WEEK_SECONDS, examples=[60])
    """How soon a caller needs the answer, queue and cold start included. Without it, nothing is said of latency."""
    worst_case_seconds: float | None = Field(default=None, ge=0.001, le=WEEK_SECONDS, examples=[60])
    """The longest that a healthy request may take. Without it, executionTimeoutSeconds is not judged."""
    model_load_seconds: float | None = Field(default=None, ge=0.001, le=WEEK_SECONDS, examples=[20])
    """Measured load of the model at a cold start. Without it, a forecast."""
    guard: Literal["off", "warn", "error"] = "warn"
    """Advice: none; said, and errors stop; or warnings stop as well."""
    silenced_advice: Reasons = Field(default_factory=dict, examples=["RP004=one user, who waits"])
    """Rule -> why it does not hold here, `RP004=one user, who waits; RP008=...`."""


StackSettings = PlatformSettings | ServiceSettings
