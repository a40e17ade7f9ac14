"""What a program says of a service: planning's models, whose mistakes end the program without a traceback."""

from __future__ import annotations

from typing import ClassVar

import pulumi

from pulumi_runpod.planning import cold_start, gpu_need, traffic
from pulumi_runpod.planning.quantities import PlanningError


class InputError(PlanningError, pulumi.RunError):
    """Values that no plan can be made from. Pulumi shows a `RunError` without a traceback."""


class GpuNeed(gpu_need.GpuNeed):
    __doc__ = gpu_need.GpuNeed.__doc__
    _raises: ClassVar[type[PlanningError]] = InputError


class Traffic(traffic.Traffic):
    __doc__ = traffic.Traffic.__doc__
    _raises: ClassVar[type[PlanningError]] = InputError


class ColdStart(cold_start.ColdStart):
    __doc__ = cold_start.ColdStart.__doc__
    _raises: ClassVar[type[PlanningError]] = InputError
