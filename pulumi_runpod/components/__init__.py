"""What other people's stacks import: a service on any image, and SDXL with batteries included."""

from __future__ import annotations

from pulumi_runpod.components.sdxl import SdxlService, SdxlServiceArgs
from pulumi_runpod.components.service import ServerlessService, ServerlessServiceArgs
from pulumi_runpod.planning.cold_start import ColdStart
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.quantities import PlanningError
from pulumi_runpod.planning.traffic import Traffic

__all__ = [
    "ColdStart",
    "GpuNeed",
    "PlanningError",
    "SdxlService",
    "SdxlServiceArgs",
    "ServerlessService",
    "ServerlessServiceArgs",
    "Traffic",
]
