"""Declares the services that the stack's configuration asks for."""

from __future__ import annotations

from typing import Any

import pulumi
from services import IMAGE, cases, steady

from pulumi_runpod.components import GpuNeed, ServerlessService, ServerlessServiceArgs


def declare(name: str, **given: Any) -> None:
    usual: dict[str, Any] = {"image": IMAGE, "gpu_pools": ["ADA_24"]}
    ServerlessService(name, ServerlessServiceArgs(**{**usual, **given}))


config = pulumi.Config()
match config.get("show") or "all":
    case "all":
        for rule, (fires, change) in cases().items():
            declare(f"fires-{rule}", **fires)
            declare(f"silent-{rule}", **{**fires, **change})
        declare("silent-RP002", execution_timeout_seconds=240, endpoint_timeout_seconds=300)
        declare("silenced", idle_timeout_seconds=5, silenced={"RP004": "one user, who waits"})
        declare("unguarded", idle_timeout_seconds=5, guard="off")
    case "error":
        declare("fires-RP002", execution_timeout_seconds=300, endpoint_timeout_seconds=300)
    case "deployed":
        declare("sdxl", gpu_pools=["AMPERE_80"], gpu=GpuNeed(vram_gb=12), traffic=steady())
        declare("quiet", idle_timeout_seconds=5, silenced={"RP004": "one user, who waits"})
    case "strict":
        declare("strict", idle_timeout_seconds=5, guard="error")
