"""Serverless endpoints: a queue (or a load balancer) with a URL, and the workers that serve it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pulumi_runpod.wire.container import ContainerRequest, ContainerResponse, CudaVersion
from pulumi_runpod.wire.endpoint_defaults import has_idle_timeout
from pulumi_runpod.wire.model import (
    INTEGRAL,
    Collection,
    Integer,
    JsonObject,
    Maybe,
    Request,
    Response,
    Text,
    Violation,
)

EndpointType = Literal["QUEUE", "LOAD_BALANCER"]
FlashBoot = Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]

UNIQUE = Field(json_schema_extra={"uniqueItems": True})
"""Says in the schema what a validator of the model enforces."""

GpuTypeId = Annotated[str, StringConstraints(pattern=r"^\s*[^-\s]")]
"""Id of a GPU type (`NVIDIA GeForce RTX 4090`), not of a pool."""


class QueueDelayScaling(Request):
    """Add a worker while a request has waited longer than `queue_delay` seconds. Queue endpoints only."""

    type: Literal["QUEUE_DELAY"]
    queue_delay: Annotated[float, Field(ge=0.5, allow_inf_nan=False)]


class RequestCountScaling(Request):
    """Keep one worker for every `request_count` requests that wait or run."""

    type: Literal["REQUEST_COUNT"]
    request_count: Annotated[int, Field(ge=1), INTEGRAL]


Scaling = Annotated[QueueDelayScaling | RequestCountScaling, Field(discriminator="type")]


class _GpuRequest(Request):
    excluded_types: Maybe[Annotated[list[GpuTypeId], UNIQUE]] = None
    count: Maybe[Annotated[int, Field(ge=1), INTEGRAL]] = None
    """GPUs per worker."""
    allowed_cuda_versions: Maybe[list[CudaVersion]] = None

    @field_validator("excluded_types")
    @classmethod
    def _unique(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) != len(value):
            raise PydanticCustomError("unique_items", "items must be unique")
        return value


class CreateEndpointGpu(_GpuRequest):
    pools: Annotated[list[str], Field(min_length=1)]
    """Ids of serverless GPU pools (`ADA_24`), not of GPU types."""
    min_cuda_version: Maybe[CudaVersion] = None


class UpdateEndpointGpu(_GpuRequest):
    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"excludedTypes": ["pools"]}})

    pools: Maybe[Annotated[list[str], Field(min_length=1)]] = None
    min_cuda_version: Maybe[Annotated[str, StringConstraints(pattern=r"^$|^\d+\.\d+$")]] = None
    """Empty clears."""

    @model_validator(mode="after")
    def _exclusions_come_with_pools(self) -> UpdateEndpointGpu:
        if self.excluded_types is not None and self.pools is None:
            raise PydanticCustomError("dependent_required", "excludedTypes requires pools in the same body")
        return self


class EndpointCpuRequest(Request):
    id: Text
    """CPU flavor of the catalog."""
    vcpu_count: Annotated[int, Field(ge=2), INTEGRAL]
    """A power of two within the flavor's range."""


class EndpointWorkersRequest(Request):
    min: Maybe[Annotated[int, Field(ge=0), INTEGRAL]] = None
    max: Maybe[Annotated[int, Field(ge=0), INTEGRAL]] = None
    idle_timeout: Maybe[Annotated[int, Field(ge=1, le=3600), INTEGRAL]] = None
    """Seconds that a worker stays after its last job."""


class _EndpointSettings(ContainerRequest):
    cpu: Maybe[Annotated[list[EndpointCpuRequest], Field(min_length=1), UNIQUE]] = None
    data_center_ids: Maybe[list[str]] = None
    """Empty: the service picks."""
    flashboot: Maybe[FlashBoot] = None
    network_volumes: Maybe[list[str]] = None
    """Ids; at most one volume per data center."""
    timeout: Maybe[Integer] = None
    """Execution limit of a job, milliseconds."""
    workers: Maybe[EndpointWorkersRequest] = None

    @field_validator("cpu")
    @classmethod
    def _unique(cls, value: list[EndpointCpuRequest] | None) -> list[EndpointCpuRequest] | None:
        if value is not None and len({(c.id, c.vcpu_count) for c in value}) != len(value):
            raise PydanticCustomError("unique_items", "items must be unique")
        return value


_CONDITIONS: JsonObject = {
    "allOf": [
        {"if": {"not": {"required": ["templateId"]}}, "then": {"required": ["image"]}},
        {
            "if": {"required": ["type"], "properties": {"type": {"const": "LOAD_BALANCER"}}},
            "then": {"properties": {"scaling": {"schema": "RequestCountScaling"}}},
        },
    ]
}
"""As the document writes them, references by name; `_schema_conditions` enforces them."""


class CreateEndpoint(_EndpointSettings):
    model_config = ConfigDict(json_schema_extra=_CONDITIONS)

    name: Text
    type: EndpointType
    scaling: Scaling
    gpu: Maybe[CreateEndpointGpu] = None
    template_id: Maybe[Text] = None
    """Copied once, never returned."""

    @model_validator(mode="after")
    def _schema_conditions(self) -> CreateEndpoint:
        if self.image is None and self.template_id is None:
            raise PydanticCustomError("missing_image", "missing property 'image' (or give templateId)")
        if self.type == "LOAD_BALANCER" and self.scaling.type != "REQUEST_COUNT":
            raise PydanticCustomError("scaling", "scaling.type: value must be 'REQUEST_COUNT' for a LOAD_BALANCER")
        return self

    def violations(self) -> list[Violation]:
        found = super().violations()
        if (self.gpu is None) == (self.cpu is None):
            found.append(Violation(("gpu",), "exactly one of gpu and cpu must be given"))
        found += gpu_violations(self.gpu) + idle_timeout_violations(self.type, self.scaling, self.workers)
        return found


class UpdateEndpoint(_EndpointSettings):
    name: Maybe[Text] = None
    scaling: Maybe[Scaling] = None
    gpu: Maybe[UpdateEndpointGpu] = None
    template_id: Maybe[str] = None

    def violations(self) -> list[Violation]:
        found = super().violations()
        if self.gpu is not None and self.cpu is not None:
            found.append(Violation(("gpu",), "gpu and cpu cannot be given together"))
        return found + gpu_violations(self.gpu)


def gpu_violations(gpu: CreateEndpointGpu | UpdateEndpointGpu | None) -> list[Violation]:
    if gpu is not None and gpu.allowed_cuda_versions and gpu.min_cuda_version:
        return [Violation(("gpu", "minCudaVersion"), "excludes a non-empty allowedCudaVersions: give one of them")]
    return []


def idle_timeout_violations(
    endpoint_type: EndpointType,
    scaling: QueueDelayScaling | RequestCountScaling,
    workers: EndpointWorkersRequest | None,
) -> list[Violation]:
    if not has_idle_timeout(endpoint_type, scaling.type) and workers is not None and workers.idle_timeout is not None:
        return [
            Violation(("workers", "idleTimeout"), "cannot be set on a QUEUE endpoint that scales by REQUEST_COUNT", 422)
        ]
    return []


class EndpointGpu(Response):
    pools: list[str]
    excluded_types: list[str] = Field(default_factory=list)
    count: int = 1
    allowed_cuda_versions: list[str] = Field(default_factory=list)
    min_cuda_version: str | None = None


class EndpointCpu(Response):
    id: str
    vcpu_count: int
    memory: int
    """GB, derived from the flavor."""


class EndpointWorkers(Response):
    min: int
    max: int
    idle_timeout: int | None = None


class EndpointScaling(Response):
    type: Literal["QUEUE_DELAY", "REQUEST_COUNT"] | str
    queue_delay: float | None = None
    request_count: int | None = None


class RequestUrls(Response):
    """Queue endpoints have the first eight, load balancers `base` and `health`. Four hold the text `{job_id}`."""

    run: str | None = None
    run_sync: str | None = None
    status: str | None = None
    stream: str | None = None
    cancel: str | None = None
    retry: str | None = None
    purge_queue: str | None = None
    health: str | None = None
    base: str | None = None


class Endpoint(ContainerResponse):
    id: str
    name: str
    type: EndpointType | str | None = None
    request_urls: RequestUrls | None = None
    gpu: EndpointGpu | None = None
    cpu: list[EndpointCpu] | None = None
    workers: EndpointWorkers
    scaling: EndpointScaling
    data_center_ids: list[str]
    network_volumes: list[str]
    timeout: int
    flashboot: FlashBoot | str
    created_at: datetime


ENDPOINTS = Collection(
    kind="endpoint",
    path="/v2/serverless",
    list_key="endpoints",
    read=Endpoint,
    create=CreateEndpoint,
    update=UpdateEndpoint,
    paginated=True,
    secret_fields=frozenset({"env"}),
)
