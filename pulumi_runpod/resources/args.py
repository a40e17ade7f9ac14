"""Nested arguments, as plain dictionaries with known keys. Defaults are filled in before a call, as documented here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Required, TypedDict

from pulumi import Input


class GpuArgs(TypedDict, total=False):
    """The GPUs of an endpoint's workers."""

    pools: Required[Input[Sequence[Input[str]]]]
    """Serverless pools (`ADA_24`), most wanted first; not GPU types. The catalog lists them. No default."""
    excluded_types: Input[Sequence[Input[str]]]
    """GPU types (`NVIDIA GeForce RTX 4090`) of these pools that are not wanted. Default: none."""
    count: Input[int]
    """GPUs per worker. Default 1."""
    allowed_cuda_versions: Input[Sequence[Input[str]]]
    """`["12.8"]`: exactly these. Default: any. Excludes `min_cuda_version`."""
    min_cuda_version: Input[str]
    """`"12.4"`: this or newer. Default: none."""


class CpuArgs(TypedDict):
    """A CPU flavor on which workers may run."""

    id: Input[str]
    """Flavor of the catalog (`cpu3c`)."""
    vcpu_count: Input[int]
    """A power of two, at least 2, within the flavor's range."""


class WorkersArgs(TypedDict, total=False):
    """How many workers, and how long one waits for its next job."""

    min: Input[int]
    """Workers that always run, and are always billed. Default 0."""
    max: Input[int]
    """Most workers at a time. Default 3. The service lowers it after idle days and on crash loops."""
    idle_timeout: Input[int]
    """Seconds, 1-3600. Default 10. A QUEUE endpoint that scales by REQUEST_COUNT has none."""


class QueueDelayArgs(TypedDict):
    """One more worker while a request has waited longer than `queue_delay`. QUEUE endpoints only."""

    type: Literal["QUEUE_DELAY"]
    """Says which scaling this is."""
    queue_delay: Input[float]
    """Seconds, at least 0.5."""


class RequestCountArgs(TypedDict):
    """One worker for every `request_count` requests that wait or run. The only scaling of a LOAD_BALANCER."""

    type: Literal["REQUEST_COUNT"]
    """Says which scaling this is."""
    request_count: Input[int]
    """Requests per worker, at least 1."""


class PersistentMountArgs(TypedDict):
    """A disk of a pod's own."""

    size: Input[int]
    """GB, at least 10."""
    path: Input[str]
    """Where the container sees it, such as `/workspace`."""


class MountsArgs(TypedDict, total=False):
    """Disks of pods; endpoints have none."""

    persistent: Input[PersistentMountArgs]
    """A disk that outlives restarts of its pod. Default: none."""


class RolloutArgs(TypedDict, total=False):
    """How a release must prove itself. With `workers.min` 0 only a smoke job can."""

    timeout: Input[int]
    """Seconds for the whole wait, 10-7200. Default 600."""
    smoke_input: Input[Any]
    """Input of a job that is run after a release and must end COMPLETED. Default: none is run."""


ScalingArgs = QueueDelayArgs | RequestCountArgs
