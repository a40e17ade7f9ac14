"""Cost and advice of a service, printed in every preview and update, and exported.

Advice that stops (errors, or warnings under `guard="error"`) ends the program before an endpoint is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_runpod.components.plan_inputs import is_plain, known_part, plain_part
from pulumi_runpod.planning.advice import Market
from pulumi_runpod.planning.chooser import Choice, choose
from pulumi_runpod.planning.cost import MonthlyCost, monthly_cost
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.money import change, rounded
from pulumi_runpod.planning.quantities import PlanningError
from pulumi_runpod.planning.review import Review, review
from pulumi_runpod.planning.service import ServicePlan

_SAY = {"info": pulumi.log.info, "warning": pulumi.log.warn, "error": pulumi.log.error}


@dataclass(frozen=True)
class Outlook:
    """`monthly_cost` and `plan` as plain data, for outputs: camelCase, money in USD as numbers with two decimals."""

    monthly_cost: Mapping[str, Any]
    plan: Mapping[str, Any]


def chosen_pools(
    component: pulumi.Resource,
    need: GpuNeed,
    market: Market,
    *,
    data_centers: tuple[str, ...],
    deployed: Mapping[str, Any],
) -> tuple[str, ...]:
    """The pool for a need. While the need is the same, a deployed pool that fits stays. RunError where none fits."""
    choice = choose(need, market.pools.values(), data_centers=data_centers, deployed=_kept_pool(need, deployed))
    if choice.chosen is None:
        raise pulumi.RunError(f"{_called(component)}: {_nothing_fits(choice)} (prices: {market.source})")
    pulumi.log.info(choice.explained(), component)
    return (choice.chosen.pool.id,)


def forecast(
    component: pulumi.Resource, inputs: Mapping[str, pulumi.Input[Any]], market: Market, deployed: Mapping[str, Any]
) -> dict[str, pulumi.Output[Any]]:
    """Says cost, change and advice as diagnostics of the component; outputs `monthly_cost` and `plan`.

    What is plain in the program is judged at once, so that advice that stops comes before any resource: RunError.
    Outputs of other resources are waited for; what a preview does not know of them takes its default.
    """
    stopped = _stopping(component, plain_part(inputs), market)
    if stopped:
        raise pulumi.RunError(stopped)

    def outlook_of(values: Mapping[str, Any]) -> Outlook:
        known = known_part(values)
        if "gpu_pools" not in known:
            return Outlook({}, {})
        return _outlook(component, _plan(component, known), market, deployed)

    if is_plain(inputs):
        seen = outlook_of(inputs)
        return {
            "monthly_cost": pulumi.Output.from_input(seen.monthly_cost),
            "plan": pulumi.Output.from_input(seen.plan),
        }
    later = pulumi.Output.from_input(dict(inputs)).apply(outlook_of, run_with_unknowns=True)
    return {"monthly_cost": later.apply(lambda seen: seen.monthly_cost), "plan": later.apply(lambda seen: seen.plan)}


def _outlook(component: pulumi.Resource, plan: ServicePlan, market: Market, deployed: Mapping[str, Any]) -> Outlook:
    prices = market.prices(plan.gpu_pools[0])
    cost = None if prices is None else monthly_cost(plan, prices)
    if cost is None:
        pulumi.log.info(f"cost unknown: {plan.gpu_pools[0]} has no price in the {market.source}", component)
    else:
        pulumi.log.info(f"{cost.range()}{_delta(cost, market, deployed)}; prices: {market.source}", component)
        for note in cost.notes:
            pulumi.log.info(note, component)
    for advice in _reviewed(component, plan, market).advice:
        _SAY[advice.severity](advice.line(), component)
    return Outlook(_cost_fields(cost), plan.model_dump(mode="json", by_alias=True, exclude_none=True))


def _stopping(component: pulumi.Resource, values: Mapping[str, Any], market: Market) -> str | None:
    """What keeps the service from being deployed, a line each; None when nothing does."""
    if "gpu_pools" not in values:
        return None
    stops = _reviewed(component, _plan(component, values), market).stops
    if not stops:
        return None
    ids = ", ".join(advice.id for advice in stops)
    name = _called(component)
    lines = [f"{name}: {advice.line()}" for advice in stops]
    way_out = "mend it, silence the rule with a reason, or lower the guard level"
    return "\n".join([*lines, f"{name} is not deployed because of {ids}: {way_out}"])


def _plan(component: pulumi.Resource, values: Mapping[str, Any]) -> ServicePlan:
    try:
        return ServicePlan.model_validate(values)
    except PlanningError as error:
        raise pulumi.RunError(f"{_called(component)}: {error}") from None


def _reviewed(component: pulumi.Resource, plan: ServicePlan, market: Market) -> Review:
    try:
        return review(plan, market)
    except PlanningError as error:
        raise pulumi.RunError(f"{_called(component)}: {error}") from None


def _called(component: pulumi.Resource) -> str:
    return component._name  # the SDK offers no public name for it


def _delta(cost: MonthlyCost, market: Market, deployed: Mapping[str, Any]) -> str:
    before = _deployed_plan(deployed)
    if before is None or (prices := market.prices(before.gpu_pools[0])) is None:
        return ""
    was = monthly_cost(before, prices).likely
    difference = cost.likely.exact - was.exact
    if not rounded(difference):
        return ", as deployed"
    return f", {change(difference)} against what is deployed"


def _deployed_plan(deployed: Mapping[str, Any]) -> ServicePlan | None:
    result = deployed.get("plan")
    if not isinstance(result, dict):
        return None
    try:
        return ServicePlan.model_validate(result)
    except PlanningError:  # written by another version
        return None


def _kept_pool(need: GpuNeed, deployed: Mapping[str, Any]) -> str | None:
    plan = _deployed_plan(deployed)
    return plan.gpu_pools[0] if plan is not None and plan.need is not None and _same(plan.need, need) else None


def _same(one: GpuNeed, other: GpuNeed) -> bool:
    # Models are equal only when their classes are, and the program's is its own class.
    return one.model_dump() == other.model_dump()


def _cost_fields(cost: MonthlyCost | None) -> dict[str, Any]:
    if cost is None:
        return {}
    return {
        "currency": cost.currency,
        "low": float(cost.low.total),
        "expected": None if cost.expected is None else float(cost.expected.total),
        "high": float(cost.high.total),
        "prices": cost.prices.source,
    }


def _nothing_fits(choice: Choice) -> str:
    reasons = "; ".join(f"{pool.id}: {why}" for pool, why in choice.rejected)
    return f"{choice.explained()}. {reasons}"
