"""The monthly range: formulas, bounds, arithmetic."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_runpod.planning.cost import MonthlyCost, monthly_cost
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.service import ServicePlan, VolumePlan
from pulumi_runpod.planning.traffic import Traffic

RTX_4090 = Prices(serverless_per_hour=Decimal("0.44"))


def plan(**changes: object) -> ServicePlan:
    return ServicePlan.model_validate({"gpu_pools": ("ADA_24",), "container_disk_gb": 1, **changes})


def amounts(cost: MonthlyCost, which: str) -> dict[str, Decimal]:
    return {line.what: line.amount for line in getattr(cost, which).lines}


def test_the_low_end_is_work_alone() -> None:
    """500 requests of 4 s on a GPU at $0.44/h: $7.33 of GPU time a month, and nothing else but disk."""
    cost = monthly_cost(plan(traffic={"requests_per_day": 500, "seconds_each": 4}), RTX_4090)
    assert round(amounts(cost, "low")["work on demand"], 2) == Decimal("7.33")


def test_a_warm_worker_is_billed_around_the_clock() -> None:
    """One worker kept warm at $0.44/h is $316.80 a month, with or without requests."""
    for traffic in (None, {"requests_per_day": 10, "seconds_each": 4}):
        cost = monthly_cost(plan(workers_min=1, traffic=traffic), RTX_4090)
        for which in ("low", "high"):
            assert amounts(cost, which)["workers kept warm"] == Decimal("316.80")


def test_the_high_end_gives_every_request_a_worker_of_its_own() -> None:
    """10 requests of 4 s, 60 s idle, 5 s start and 45 s load: 1,140 s a day."""
    cost = monthly_cost(plan(traffic={"requests_per_day": 10, "seconds_each": 4}), RTX_4090)
    assert amounts(cost, "high")["a worker for each request"] == pytest.approx(
        Decimal(1140) * 30 * Decimal("0.44") / 3600
    )


def test_without_traffic_the_range_is_nobody_to_always() -> None:
    """Nothing is expected then: from warm workers alone to all of them around the clock."""
    cost = monthly_cost(plan(workers_min=0, workers_max=2), RTX_4090)
    assert cost.expected is None
    assert cost.low.total == 0
    assert cost.high.total == Decimal("633.80")  # 2 x $316.80, and 2 x 1 GB of disk
    assert "declare its traffic" in cost.range()


def test_a_measured_cold_start_narrows_the_range() -> None:
    """What was measured replaces the forecast at the high end."""
    traffic = {"requests_per_day": 10, "seconds_each": 4}
    measured = {"container_start_seconds": 2, "model_load_seconds": 12}
    forecast = monthly_cost(plan(traffic=traffic), RTX_4090)
    known = monthly_cost(plan(traffic=traffic, cold_start=measured), RTX_4090)
    assert known.high.total < forecast.high.total


def test_a_volume_costs_less_beyond_the_first_thousand_gigabytes() -> None:
    """20 GB are $1.40 a month; 1,500 GB are 1,000 x $0.07 + 500 x $0.05 = $95."""
    for size, price in ((20, "1.40"), (1500, "95.00")):
        cost = monthly_cost(plan(volumes=[{"size_gb": size}]), RTX_4090)
        assert amounts(cost, "low")["network volume"] == Decimal(price)


def test_a_volume_without_a_published_price_is_named_as_left_out() -> None:
    """High-performance volumes are priced in the console alone: the bill says that it lacks them."""
    cost = monthly_cost(plan(volumes=[VolumePlan(size_gb=20, type="HIGH_PERFORMANCE")]), RTX_4090)
    assert cost.notes == ("the 20 GB HIGH_PERFORMANCE volume is not in it: only the console shows its price",)


def test_overload_is_said() -> None:
    """More work than all workers can do is billed as far as they can, and noted."""
    cost = monthly_cost(plan(workers_max=1, traffic={"requests_per_day": 50_000, "seconds_each": 4}), RTX_4090)
    assert cost.expected is not None
    assert amounts(cost, "expected")["work on demand"] == Decimal("316.80")
    assert any("the queue grows" in note for note in cost.notes)


def test_the_arithmetic_can_be_followed() -> None:
    """A line says factors and result."""
    cost = monthly_cost(plan(traffic={"requests_per_day": 500, "seconds_each": 4}), RTX_4090)
    (work,) = (line for line in cost.low.lines if line.what == "work on demand")
    assert work.arithmetic == "500 requests x 4 s = 2,000 s/day x $0.0001222/s x 30 days = $7.33"


def test_the_total_is_the_sum_rounded_once() -> None:
    """Lines are carried exactly; cents are made of the sum."""
    cost = monthly_cost(plan(traffic={"requests_per_day": 501, "seconds_each": 3}), RTX_4090)
    assert cost.high.total == round(sum(amounts(cost, "high").values()), 2)


requests = st.decimals("0.1", "200000", places=1)
seconds = st.decimals("0.1", "300", places=1)


@given(
    requests=requests,
    each=seconds,
    idle=st.integers(1, 3600),
    low=st.integers(0, 5),
    more=st.integers(1, 20),
    hours=st.decimals("1", "24", places=1),
    flashboot=st.sampled_from(["OFF", "FLASHBOOT"]),
)
@settings(max_examples=300)
def test_expected_lies_between_low_and_high(
    requests: Decimal, each: Decimal, idle: int, low: int, more: int, hours: Decimal, flashboot: str
) -> None:
    """Whatever the service, low <= expected <= high."""
    cost = monthly_cost(
        plan(
            workers_min=low,
            workers_max=low + more,
            idle_timeout_seconds=idle,
            flashboot=flashboot,
            traffic=Traffic(requests_per_day=requests, seconds_each=each, active_hours_per_day=hours),
        ),
        RTX_4090,
    )
    assert cost.expected is not None
    slack = Decimal("0.000001")
    assert cost.low.exact <= cost.expected.exact + slack
    assert cost.expected.exact <= cost.high.exact + slack


@given(requests=requests, each=seconds, factor=st.decimals("1", "10", places=2))
@settings(max_examples=200)
def test_more_requests_never_cost_less(requests: Decimal, each: Decimal, factor: Decimal) -> None:
    """The ends of the range grow with the requests."""
    few, many = (
        monthly_cost(plan(traffic=Traffic(requests_per_day=n, seconds_each=each)), RTX_4090)
        for n in (requests, requests * factor)
    )
    assert few.low.exact <= many.low.exact
    assert few.high.exact <= many.high.exact


@given(requests=st.decimals("0.1", "20000", places=1), factor=st.decimals("1", "10", places=2))
def test_one_worker_costs_more_the_more_it_is_asked(requests: Decimal, factor: Decimal) -> None:
    """For a single worker the expected cost grows with the requests: cold starts never pay for themselves."""
    few, many = (
        monthly_cost(plan(workers_max=1, traffic=Traffic(requests_per_day=n, seconds_each=4)), RTX_4090).likely.exact
        for n in (requests, min(requests * factor, Decimal(21_500)))
    )
    assert few <= many + Decimal("0.000001") or requests > Decimal(21_500)


@given(price=st.decimals("0.01", "20", places=3), factor=st.decimals("1", "5", places=2))
def test_a_higher_price_costs_more(price: Decimal, factor: Decimal) -> None:
    """Every end of the range grows with the price."""
    service = plan(workers_min=1, traffic={"requests_per_day": 700, "seconds_each": 5})
    cheap, dear = (monthly_cost(service, Prices(serverless_per_hour=p)) for p in (price, price * factor))
    for which in ("low", "expected", "high"):
        assert getattr(cheap, which).exact <= getattr(dear, which).exact
