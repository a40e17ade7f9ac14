"""Runs every rule on a plan, and decides by the plan's guard level what is said and what stops a deployment.

`warn`: everything is said, errors stop. `error`: warnings stop as well. `off`: nothing is looked at. A rule is silenced
by its id with a reason; a silence without a reason, or of an unknown rule, is a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_runpod.planning.advice import SEVERITIES, Advice, Market, Severity, Situation, advice_of
from pulumi_runpod.planning.quantities import Mistake, PlanningError
from pulumi_runpod.planning.rules import RULE_IDS, RULES
from pulumi_runpod.planning.service import ServicePlan


@dataclass(frozen=True)
class Review:
    """`advice` by id; `silenced` what would have been said."""

    advice: tuple[Advice, ...]
    silenced: tuple[Advice, ...]
    stops: tuple[Advice, ...]
    """The part of `advice` that stops a deployment."""

    @property
    def worst(self) -> Severity | None:
        found = {advice.severity for advice in self.advice}
        return max(found, key=SEVERITIES.index, default=None)


def review(plan: ServicePlan, market: Market) -> Review:
    """All advice on a plan. Raises PlanningError for a silence that names no rule or gives no reason."""
    check_silences(plan)
    if plan.guard == "off":
        return Review((), (), ())
    situation = Situation(plan, market)
    heard: list[Advice] = []
    silenced: list[Advice] = []
    for rule in RULES:
        finding = rule.check(situation)
        if finding is None:
            continue
        why = plan.silenced.get(rule.id)
        (heard if why is None else silenced).append(advice_of(rule, finding, silenced=why))
    stopping = {"warn": ("error",), "error": ("error", "warning")}[plan.guard]
    return Review(tuple(heard), tuple(silenced), tuple(a for a in heard if a.severity in stopping))


def check_silences(plan: ServicePlan) -> None:
    mistakes = [
        Mistake(f"silenced.{name}", None, f"there is no such rule; known are {RULE_IDS[0]} to {RULE_IDS[-1]}")
        for name in plan.silenced
        if name not in RULE_IDS
    ]
    mistakes += [
        Mistake(f"silenced.{name}", None, "say why this advice does not hold here")
        for name, why in plan.silenced.items()
        if not why.strip()
    ]
    if mistakes:
        raise PlanningError(mistakes)
