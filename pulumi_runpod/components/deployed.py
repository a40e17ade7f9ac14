"""What the last deployment of this stack left of a component: its outputs in the engine's own state.

Read through the engine's built-in invokes, which make no call to RunPod and add nothing to the state. A stack that was
never deployed has no outputs; asking for its resources would crash the engine (3.259), so outputs are asked for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import invoke

from pulumi_runpod.resources.engine_run import once_per_run


def deployed_outputs(component: pulumi.Resource) -> Mapping[str, Any]:
    """Outputs of the component with the same type and name; empty when there is none, or the engine does not tell."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    end = f"{component._type}::{component._name}"  # the SDK offers no public name for either
    for urn, resource in once_per_run("deployed", lambda: _resources(stack)).items():
        if urn.endswith((f"::{end}", f"${end}")) and isinstance(resource, dict):
            return resource.get("outputs") or {}
    return {}


def _resources(stack: str) -> dict[str, Any]:
    if not _asked("pulumi:pulumi:readStackOutputs", {"name": stack}):
        return {}
    return _asked("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack})


def _asked(token: str, arguments: dict[str, str]) -> dict[str, Any]:
    try:
        completed = invoke(token, arguments)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing narrower for an invoke that failed
        pulumi.log.debug(f"what is deployed cannot be determined: {error}")
        return {}
    outputs = completed.value.get("outputs") if isinstance(completed.value, dict) else None
    return outputs if isinstance(outputs, dict) else {}
