"""The most that endpoints can cost, with all their workers busy all month: per endpoint and for the whole stack.

Prices come from the dated catalog that ships with pulumi_runpod: a policy makes no call. A pool without a known price
is a violation, for nothing can be said of its cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pulumi_policy import (
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from resource_types import ENDPOINTS

from pulumi_runpod.planning.money import always_on_per_month, shown
from pulumi_runpod.planning.pools import pools_of
from pulumi_runpod.wire.catalog import offline_catalog

CATALOG = offline_catalog()
POOLS = pools_of(CATALOG.gpus.values())


class NoPriceError(Exception):
    """A pool has no price in the dated catalog."""


def most_per_month(props: Mapping[str, Any]) -> Decimal:
    """USD a month with all workers of an endpoint on the dearest of its pools, around the clock."""
    gpu = props.get("gpu") or {}
    prices = []
    for pool in gpu.get("pools") or []:
        price = POOLS[pool].price_per_hour if pool in POOLS else None
        if price is None:
            raise NoPriceError(pool)
        prices.append(price)
    workers = int((props.get("workers") or {}).get("max", 3))
    return always_on_per_month(max(prices, default=Decimal(0))) * workers * int(gpu.get("count") or 1)


def validate_endpoint(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    if args.resource_type not in ENDPOINTS:
        return
    ceiling = Decimal(str(args.get_config()["usdPerMonth"]))
    try:
        most = most_per_month(args.props)
    except NoPriceError as error:
        report_violation(f"{args.name}: pool {error} has no price in the catalog of {CATALOG.as_of}")
        return
    if most > ceiling:
        report_violation(
            f"{args.name} can cost {shown(most)} a month with all workers busy, above {shown(ceiling)}: lower its max "
            "workers, or take a cheaper pool"
        )


def validate_stack(args: StackValidationArgs, report_violation: ReportViolation) -> None:
    ceiling = Decimal(str(args.get_config()["usdPerMonth"]))
    total = Decimal(0)
    for resource in args.resources:
        if resource.resource_type in ENDPOINTS:
            try:
                total += most_per_month(resource.props)
            except NoPriceError:  # reported by the endpoint's own policy
                continue
    if total > ceiling:
        report_violation(
            f"the endpoints of this stack can cost {shown(total)} a month together with all workers busy, above "
            f"{shown(ceiling)}"
        )


def _ceiling(default: int) -> PolicyConfigSchema:
    return PolicyConfigSchema(properties={"usdPerMonth": {"type": "number", "minimum": 0, "default": default}})


ENDPOINT_CEILING = ResourceValidationPolicy(
    name="endpoint-cost-ceiling",
    description="What one endpoint can cost a month at most is bounded.",
    config_schema=_ceiling(5000),
    validate=validate_endpoint,
)
STACK_CEILING = StackValidationPolicy(
    name="stack-cost-ceiling",
    description="What the endpoints of a stack can cost a month at most is bounded.",
    config_schema=_ceiling(10000),
    validate=validate_stack,
)
