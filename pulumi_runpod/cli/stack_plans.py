"""What a stack's services were planned with: the `plan` that each component leaves in the state.

Read with `pulumi stack export`, so that a program need not export anything.
"""

from __future__ import annotations

from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.planning.quantities import PlanningError
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.wire.model import JsonObject

_COMPONENTS = "runpod:components:"


def deployed_plans(stack: str) -> list[JsonObject]:
    """Fields of each service's plan (snake_case). Raises RunPodError when there is none."""
    found = [
        plan
        for resource in _state(stack).get("resources") or []
        if str(resource.get("type", "")).startswith(_COMPONENTS)
        if (plan := (resource.get("outputs") or {}).get("plan"))
    ]
    if not found:
        raise RunPodError(
            f"stack {stack} has no deployed service: run `pulumi up --stack {stack}`, or describe one by flags "
            "(--gpu-pools ADA_24 --requests-per-day 500 --seconds-each 4)"
        )
    try:
        return [ServicePlan.model_validate(plan).model_dump(exclude_none=True) for plan in found]
    except PlanningError as error:
        raise RunPodError(
            f"the plan in the state of stack {stack} is of another version: {error}. Run `pulumi up`"
        ) from None


def _state(stack: str) -> JsonObject:
    deployment = Project.here().export(stack).get("deployment")
    return deployment if isinstance(deployment, dict) else {}
