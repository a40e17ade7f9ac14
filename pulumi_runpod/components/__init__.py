"""What other people's stacks import: a service on any image, and SDXL with batteries included."""

from __future__ import annotations

from pulumi_runpod.components.inputs import ColdStart, GpuNeed, InputError, Traffic
from pulumi_runpod.components.sdxl import SDXL_SMOKE_INPUT, SdxlService, SdxlServiceArgs
from pulumi_runpod.components.service import ServerlessService
from pulumi_runpod.components.service_args import ServerlessServiceArgs
from pulumi_runpod.components.worker_image import WorkerImage, WorkerImageArgs

__all__ = [
    "SDXL_SMOKE_INPUT",
    "ColdStart",
    "GpuNeed",
    "InputError",
    "SdxlService",
    "SdxlServiceArgs",
    "ServerlessService",
    "ServerlessServiceArgs",
    "Traffic",
    "WorkerImage",
    "WorkerImageArgs",
]
