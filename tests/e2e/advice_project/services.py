"""Rule -> arguments of a service on which it fires, and the one change that silences it."""

from __future__ import annotations

from typing import Any

from pulumi_runpod import NetworkVolume
from pulumi_runpod.components import GpuNeed, Traffic

IMAGE = "registry.example.com/team/worker:1.4"


def steady(**more: Any) -> Traffic:
    return Traffic.model_validate({"requests_per_day": 500, "seconds_each": 4, "bursty": False, **more})


def busy(**more: Any) -> Traffic:
    return steady(requests_per_day=50_000, **more)


def volume(name: str, data_center: str) -> dict[str, Any]:
    return {"volumes": [NetworkVolume(name, size=10, data_center=data_center)]}


def cases() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Called by the program: it declares volumes as well."""
    return {
        "RP001": ({"gpu_pools": ["AMPERE_80"], "gpu": GpuNeed(vram_gb=12)}, {"gpu_pools": ["AMPERE_16"]}),
        "RP003": (
            {"execution_timeout_seconds": 60, "traffic": steady(worst_case_seconds=90)},
            {"execution_timeout_seconds": 90},
        ),
        "RP004": ({"idle_timeout_seconds": 5}, {"idle_timeout_seconds": 60}),
        "RP005": ({"environment": "dev", "workers_min": 1}, {"workers_min": 0}),
        "RP006": ({"environment": "prod", "traffic": steady(latency_target_seconds=10)}, {"workers_min": 1}),
        "RP007": ({"traffic": steady(latency_target_seconds=10)}, {"traffic": steady(latency_target_seconds=60)}),
        "RP008": ({"image": "registry.example.com/team/worker:latest"}, {"image": IMAGE}),
        "RP009": (
            {**volume("far", "EU-CZ-1"), "data_centers": ["EU-RO-1"]},
            {"data_centers": ["EU-RO-1", "EU-CZ-1"]},
        ),
        # The local RunPod of the test has no AMPERE_24 in EU-RO-1.
        "RP010": (
            {**volume("near", "EU-RO-1"), "gpu_pools": ["AMPERE_24"]},
            {"gpu_pools": ["AMPERE_24", "ADA_24"]},
        ),
        "RP011": ({"traffic": steady(latency_target_seconds=6)}, {"workers_min": 2}),
        "RP012": ({"workers_max": 5, "traffic": busy()}, {"traffic": steady()}),
        "RP013": ({"workers_max": 3, "traffic": busy(latency_target_seconds=6)}, {"workers_max": 8}),
        "RP014": ({"workers_max": 5, "traffic": steady(requests_per_day=10_001)}, {"traffic": steady()}),
        "RP015": ({"gpu_pools": ["ADA_24"], "gpu": GpuNeed(vram_gb=18)}, {"gpu_pools": ["AMPERE_24"]}),
        "RP016": ({"gpu_pools": ["AMPERE_16"], "gpu": GpuNeed(vram_gb=14)}, {"gpu_pools": ["ADA_24"]}),
        "RP017": ({"gpu_pools": ["MISSPELT_24"]}, {"gpu_pools": ["ADA_24"]}),
    }
