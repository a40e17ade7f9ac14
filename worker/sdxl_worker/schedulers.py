"""The schedulers that a job may name, and how each is built from the model's own configuration.

Built per job from the configuration as it was loaded: building from the current one would carry settings over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class SchedulerName(StrEnum):
    """Names that a job may use. None needs scipy."""

    DDIM = "ddim"
    EULER = "euler"
    EULER_A = "euler_a"
    DPMPP_2M = "dpmpp_2m"
    DPMPP_2M_KARRAS = "dpmpp_2m_karras"
    DPMPP_2M_SDE_KARRAS = "dpmpp_2m_sde_karras"
    DPMPP_2S = "dpmpp_2s"
    UNIPC = "unipc"
    PNDM = "pndm"
    HEUN = "heun"
    LCM = "lcm"
    TCD = "tcd"


# The names of RunPod's own SDXL worker, so that its callers need no change. Its KLMS needs scipy and is left out.
ALIASES = {
    "DDIM": SchedulerName.DDIM,
    "PNDM": SchedulerName.PNDM,
    "K_EULER": SchedulerName.EULER,
    "K_EULER_ANCESTRAL": SchedulerName.EULER_A,
    "DPMSolverMultistep": SchedulerName.DPMPP_2M,
    "DPMSolverSinglestep": SchedulerName.DPMPP_2S,
}

_CLASSES: dict[SchedulerName, tuple[str, dict[str, Any]]] = {
    SchedulerName.DDIM: ("DDIMScheduler", {}),
    SchedulerName.EULER: ("EulerDiscreteScheduler", {}),
    SchedulerName.EULER_A: ("EulerAncestralDiscreteScheduler", {}),
    SchedulerName.DPMPP_2M: ("DPMSolverMultistepScheduler", {}),
    SchedulerName.DPMPP_2M_KARRAS: ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    SchedulerName.DPMPP_2M_SDE_KARRAS: (
        "DPMSolverMultistepScheduler",
        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"},
    ),
    SchedulerName.DPMPP_2S: ("DPMSolverSinglestepScheduler", {}),
    SchedulerName.UNIPC: ("UniPCMultistepScheduler", {}),
    SchedulerName.PNDM: ("PNDMScheduler", {}),
    SchedulerName.HEUN: ("HeunDiscreteScheduler", {}),
    SchedulerName.LCM: ("LCMScheduler", {}),
    SchedulerName.TCD: ("TCDScheduler", {}),
}
assert _CLASSES.keys() == set(SchedulerName)


def build(name: SchedulerName | None, *, own_class: str, config: Mapping[str, Any], spacing: str | None = None) -> Any:
    """A fresh scheduler.

    Args:
        name: what the job asked for; None means the model's own.
        own_class: class name of the model's own scheduler.
        config: the model's scheduler configuration, as loaded.
        spacing: timestep spacing from the model's defaults (few-step models want ``trailing``).
    """
    import diffusers

    class_name, changes = (own_class, {}) if name is None else _CLASSES[name]
    extra = {"timestep_spacing": spacing} if spacing else {}
    return getattr(diffusers, class_name).from_config(dict(config), **changes, **extra)
