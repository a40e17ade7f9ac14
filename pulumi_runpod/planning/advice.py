"""Advice: a rule with a stable id looks at a plan and says what is wrong, how to mend it and what it is worth.

Ids are never reused. A rule that lacks a figure (no traffic declared, no catalog) is silent: it does not guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from pulumi_runpod.planning.chooser import Choice, choose
from pulumi_runpod.planning.cost import MonthlyCost, monthly_cost
from pulumi_runpod.planning.money import rounded, shown
from pulumi_runpod.planning.pools import Pool
from pulumi_runpod.planning.prices import Prices, prices_of
from pulumi_runpod.planning.service import ServicePlan

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True)
class Market:
    """What the catalog says of pools, and where that comes from. Empty: no catalog could be read."""

    pools: Mapping[str, Pool] = field(default_factory=dict)
    source: str = "no catalog"
    live: bool = False
    """False for the dated copy that ships with the package."""

    def prices(self, pool_id: str) -> Prices | None:
        return prices_of(self.pools, pool_id, source=self.source)


@dataclass(frozen=True)
class Finding:
    """What a rule has to say of one plan."""

    reason: str
    fix: str
    saving: Decimal | None = None
    """USD a month that the fix saves, not rounded; None where it is not about money or cannot be determined."""
    severity: Severity | None = None
    """Where it differs from the rule's own."""


@dataclass(frozen=True)
class Situation:
    """One plan and its market, with what several rules need reckoned once."""

    plan: ServicePlan
    market: Market

    @property
    def pool(self) -> Pool | None:
        """The pool that comes first in the plan."""
        return self.market.pools.get(self.plan.gpu_pools[0])

    @cached_property
    def prices(self) -> Prices | None:
        return self.market.prices(self.plan.gpu_pools[0])

    @cached_property
    def cost(self) -> MonthlyCost | None:
        return None if self.prices is None else monthly_cost(self.plan, self.prices)

    @cached_property
    def choice(self) -> Choice | None:
        """What a fresh choice would be, where a need is declared and the market is known."""
        if self.plan.need is None or not self.market.pools:
            return None
        return choose(self.plan.need, self.market.pools.values(), data_centers=self.where)

    @property
    def where(self) -> tuple[str, ...]:
        """Data centers where workers can run: those of the volumes, or else the ones that are allowed."""
        of_volumes = tuple(volume.data_center for volume in self.plan.volumes if volume.data_center is not None)
        return of_volumes or self.plan.data_centers

    def saving_with(self, **changes: object) -> Decimal | None:
        """USD a month between this plan and the same with other settings; None where it cannot be determined."""
        if self.cost is None or self.prices is None:
            return None
        other = monthly_cost(self.plan.model_copy(update=changes), self.prices)
        return self.cost.likely.exact - other.likely.exact


@dataclass(frozen=True)
class Rule:
    id: str
    title: str
    severity: Severity
    check: Callable[[Situation], Finding | None]


@dataclass(frozen=True)
class Advice:
    """A finding under its rule's id. `silenced` holds the stack's reason not to hear it."""

    id: str
    title: str
    severity: Severity
    reason: str
    fix: str
    saving: Decimal | None = None
    """USD a month, rounded to the cent."""
    silenced: str | None = None

    def line(self) -> str:
        """`RP001 GPU larger than needed: ... To mend it: ... Saves $12.00 a month.`"""
        money = f" Saves {shown(self.saving)} a month." if self.saving is not None and self.saving > 0 else ""
        return f"{self.id} {self.title}: {self.reason}. To mend it: {self.fix}.{money}"


def advice_of(rule: Rule, finding: Finding, *, silenced: str | None) -> Advice:
    return Advice(
        id=rule.id,
        title=rule.title,
        severity=finding.severity or rule.severity,
        reason=finding.reason,
        fix=finding.fix,
        saving=None if finding.saving is None else rounded(finding.saving),
        silenced=silenced,
    )
