"""Serverless against always-on: crossover, break-even and a warm worker's price."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.planning.comparison import crossover_utilisation, reserved, warm_worker
from pulumi_runpod.planning.cost import monthly_cost
from pulumi_runpod.planning.money import rounded, serverless_per_month
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.planning.traffic import Traffic

ONE_PRICE = Prices(serverless_per_hour=Decimal("0.44"), reserved_per_hour=Decimal("0.44"))
TWO_PRICES = Prices(serverless_per_hour=Decimal("1.116"), reserved_per_hour=Decimal("0.69"))


def plan(requests: object, seconds: object = 4, **changes: object) -> ServicePlan:
    traffic = Traffic.model_validate({"requests_per_day": requests, "seconds_each": seconds})
    return ServicePlan.model_validate({"gpu_pools": ("ADA_24",), "traffic": traffic, **changes})


def test_the_crossover_is_one_price_over_the_other() -> None:
    """0.69 reserved against 1.116 serverless cross at 62 %; with one price for both only full use does."""
    assert round(crossover_utilisation(Decimal("1.116"), Decimal("0.69")), 2) == Decimal("0.62")
    assert crossover_utilisation(Decimal("0.44"), Decimal("0.44")) == 1


@given(
    serverless=st.decimals("0.01", "20", places=3),
    reserved_price=st.decimals("0.01", "20", places=3),
    seconds=st.decimals("0.5", "600", places=1),
)
def test_at_the_crossover_both_cost_the_same(serverless: Decimal, reserved_price: Decimal, seconds: Decimal) -> None:
    """At the crossover's requests a day, work alone costs what a reserved GPU does."""
    prices = Prices(serverless_per_hour=serverless, reserved_per_hour=reserved_price)
    cost = reserved(plan(1, seconds), prices)
    assert cost is not None
    assert cost.crossover_requests_per_day is not None
    month = serverless_per_month(cost.crossover_requests_per_day, seconds, serverless)
    assert abs(month - cost.per_month) < Decimal("0.000001")


def test_a_reserved_gpu_is_priced_by_the_hour() -> None:
    """$0.44/h is $316.80 a month for one GPU, and work for 2.3 GPUs takes three."""
    one, three = reserved(plan(500), ONE_PRICE), reserved(plan(50_000), ONE_PRICE)
    assert one is not None
    assert three is not None
    assert (one.gpus, one.per_month) == (1, Decimal("316.80"))
    assert (three.gpus, three.per_month) == (3, Decimal("950.40"))


def test_a_warm_worker_for_ten_requests_costs_a_dollar_each() -> None:
    """$10.56 a day, $316.80 a month: $1.06 for each of ten requests, 11 cents for each of a hundred."""
    ten, hundred = warm_worker(plan(10), ONE_PRICE), warm_worker(plan(100), ONE_PRICE)
    assert ten is not None
    assert hundred is not None
    assert (ten.per_day, ten.per_month) == (Decimal("10.56"), Decimal("316.80"))
    assert rounded(ten.per_request) == Decimal("1.06")
    assert rounded(hundred.per_request) == Decimal("0.11")


def test_at_break_even_the_on_demand_worker_costs_the_same_within_a_hundredth() -> None:
    """At that many requests, one worker on demand is billed 99 % of a worker that never sleeps."""
    cost = warm_worker(plan(10), ONE_PRICE)
    assert cost is not None
    requests = cost.break_even_requests_per_day
    assert requests is not None
    bill = monthly_cost(plan(requests, workers_max=1), ONE_PRICE).expected
    assert bill is not None
    gpu = sum((line.amount for line in bill.lines if line.what != "container disk"), Decimal(0))
    assert round(gpu / cost.per_month, 3) == Decimal("0.990")


def test_a_worker_that_leaves_at_once_breaks_even_near_full_use() -> None:
    """Without idle windows and cold starts, only a busy worker is worth keeping: 99 % of 86,400 s / 400 s."""
    service = plan(10, 400, idle_timeout_seconds=1, flashboot="FLASHBOOT", cold_start={"model_load_seconds": 0.001})
    cost = warm_worker(service, ONE_PRICE)
    assert cost is not None
    assert cost.break_even_requests_per_day is not None
    assert 212 <= cost.break_even_requests_per_day <= 214


def test_a_cheaper_warm_price_breaks_even_earlier() -> None:
    """A discount on workers that are kept warm lowers the break-even."""
    discounted = Prices(serverless_per_hour=Decimal("0.44"), active_per_hour=Decimal("0.30"))
    cost = warm_worker(plan(10), discounted)
    assert cost is not None
    assert cost.break_even_requests_per_day is not None
    assert cost.break_even_requests_per_day < 5_000


def test_a_warm_worker_says_what_a_cold_start_less_costs() -> None:
    """Extra money a day over cold starts avoided a day."""
    cost = warm_worker(plan(100), TWO_PRICES)
    assert cost is not None
    assert cost.per_cold_start_avoided is not None
    assert cost.cold_starts_avoided_per_day > 50
    again = cost.per_cold_start_avoided * cost.cold_starts_avoided_per_day * 30
    assert abs(again - cost.extra_per_month) < Decimal("0.000001")


def test_office_hours_never_pay_for_a_worker_around_the_clock() -> None:
    """A worker that is asked for eight hours cannot cost more than those, so that a warm one never breaks even."""
    traffic = Traffic(requests_per_day=10, seconds_each=4, active_hours_per_day=8)
    cost = warm_worker(ServicePlan(gpu_pools=("A",), traffic=traffic), ONE_PRICE)
    assert cost is not None
    assert cost.break_even_requests_per_day is None


def test_without_a_reserved_price_there_is_no_comparison() -> None:
    """Nothing is invented where the catalog has no pod price."""
    assert reserved(plan(10), Prices(serverless_per_hour=Decimal(1))) is None
