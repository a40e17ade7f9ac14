"""Monthly cost of all services of a stack, now and after the update, from the outputs of their components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from pulumi_runpod.gitops.events import State, Step
from pulumi_runpod.gitops.preview import CostChange, MonthlyCost

COMPONENTS = "runpod:components:"


def cost_of(steps: Iterable[Step]) -> CostChange | None:
    """None where no service tells a cost."""
    services = [step for step in steps if step.type.startswith(COMPONENTS)]
    now = _sum(step.old for step in services)
    then = _sum(step.new for step in services if step.op not in ("delete", "discard"))
    return None if now is None and then is None else CostChange(now=now, then=then)


def _sum(states: Iterable[State | None]) -> MonthlyCost | None:
    costs = [cost for state in states if state is not None and (cost := _monthly(state)) is not None]
    if not costs:
        return None
    expected = [cost.expected for cost in costs]
    return MonthlyCost(
        low=round(sum(cost.low for cost in costs), 2),
        expected=None if None in expected else round(sum(e for e in expected if e is not None), 2),
        high=round(sum(cost.high for cost in costs), 2),
    )


def _monthly(state: State) -> MonthlyCost | None:
    cost = state.outputs.get("monthly_cost")
    if not isinstance(cost, Mapping):
        return None
    try:
        return MonthlyCost.model_validate({name: cost.get(name) for name in ("low", "expected", "high")})
    except ValidationError:
        return None
