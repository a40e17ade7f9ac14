"""Every rule: where it fires, where it is silent, and what it says of money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from catalogs import LARGE, MARKET, MIDDLE, SMALL, gpu, market

from pulumi_runpod.planning.advice import Advice, Market
from pulumi_runpod.planning.review import review
from pulumi_runpod.planning.rules import RULE_IDS, RULES
from pulumi_runpod.planning.service import ServicePlan

STEADY = {"requests_per_day": 500, "seconds_each": 4, "bursty": False}
BUSY = {"requests_per_day": 50_000, "seconds_each": 4, "bursty": False}
EMPTY = gpu("EMPTY_24", memory=24, serverless=1.0, stock={"EU-RO-1": "NONE", "US-KS-2": "HIGH"})
ELSEWHERE = gpu("ELSEWHERE_24", memory=24, serverless=1.0, stock={"US-KS-2": "HIGH"})

# id -> (a plan on which it fires, a change of that plan which silences it)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "RP001": ({"gpu_pools": ("LARGE_80",), "need": {"vram_gb": 12}}, {"gpu_pools": ("SMALL_16",)}),
    "RP002": (
        {"execution_timeout_seconds": 300, "endpoint_timeout_seconds": 300},
        {"execution_timeout_seconds": 240},
    ),
    "RP003": (
        {"execution_timeout_seconds": 60, "traffic": {**STEADY, "worst_case_seconds": 90}},
        {"execution_timeout_seconds": 90},
    ),
    "RP004": ({"idle_timeout_seconds": 5}, {"idle_timeout_seconds": 60}),
    "RP005": ({"environment": "dev", "workers_min": 1}, {"environment": "staging"}),
    "RP006": (
        {"environment": "prod", "traffic": {**STEADY, "latency_target_seconds": 10}},
        {"workers_min": 1},
    ),
    "RP007": (
        {"flashboot": "FLASHBOOT", "traffic": {**STEADY, "latency_target_seconds": 10}},
        {"traffic": {**STEADY, "latency_target_seconds": 60}},
    ),
    "RP008": ({"image": "registry.example.com/team/worker:latest"}, {"image": "registry.example.com/team/worker:1.4"}),
    "RP009": (
        {"volumes": [{"size_gb": 20, "data_center": "EU-CZ-1"}], "data_centers": ("EU-RO-1",)},
        {"data_centers": ("EU-RO-1", "EU-CZ-1")},
    ),
    "RP010": (
        {"gpu_pools": ("EMPTY_24",), "volumes": [{"size_gb": 20, "data_center": "EU-RO-1"}]},
        {"volumes": [{"size_gb": 20, "data_center": "US-KS-2"}]},
    ),
    "RP011": ({"traffic": {**STEADY, "latency_target_seconds": 6}}, {"workers_min": 2}),
    "RP012": ({"workers_max": 5, "traffic": BUSY}, {"traffic": STEADY}),
    "RP013": ({"workers_max": 2, "traffic": BUSY}, {"workers_max": 5}),
    "RP014": ({"workers_max": 5, "traffic": {**STEADY, "requests_per_day": 10_001}}, {"traffic": STEADY}),
    "RP015": ({"gpu_pools": ("MIDDLE_24",), "need": {"vram_gb": 18}}, {"gpu_pools": ("EMPTY_24",)}),
    "RP016": ({"gpu_pools": ("SMALL_16",), "need": {"vram_gb": 20}}, {"gpu_pools": ("MIDDLE_24",)}),
    "RP017": ({"gpu_pools": ("MISSPELT",)}, {"gpu_pools": ("MIDDLE_24",)}),
}


def advice_for(known: Market, **given: Any) -> dict[str, Advice]:
    plan = ServicePlan.model_validate({"gpu_pools": ("MIDDLE_24",), **given})
    return {advice.id: advice for advice in review(plan, known).advice}


def everything() -> Market:
    return market(SMALL, MIDDLE, LARGE, EMPTY, ELSEWHERE)


def test_every_rule_has_a_case() -> None:
    """No rule without a plan that fires it and one that does not."""
    assert sorted(CASES) == sorted(RULE_IDS)
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULE_IDS)
def test_a_rule_fires_where_it_should_and_is_silent_where_not(rule: str) -> None:
    """One change of the plan is all that lies between advice and silence."""
    given, change = CASES[rule]
    assert rule in advice_for(everything(), **given)
    assert rule not in advice_for(everything(), **{**given, **change})


@pytest.mark.parametrize("rule", RULE_IDS)
def test_a_line_of_advice_says_what_why_and_how(rule: str) -> None:
    """Id, title, reason and fix stand in one line."""
    line = advice_for(everything(), **CASES[rule][0])[rule].line()
    assert line.startswith(f"{rule} ")
    assert ". To mend it: " in line
    assert "\n" not in line


def test_an_oversize_gpu_is_reported_with_its_saving() -> None:
    """A warm worker on 80 GB instead of 16 GB: (2.736 - 0.576) x 720 h = $1,555.20 a month."""
    advice = advice_for(MARKET, gpu_pools=("LARGE_80",), need={"vram_gb": 12}, workers_min=1)["RP001"]
    assert advice.saving == Decimal("1555.20")
    assert "Saves $1,555.20 a month." in advice.line()


def test_warm_workers_in_dev_are_reported_with_what_they_cost() -> None:
    """A warm worker at $1.116 an hour is $26.78 a day, and $803.52 of GPU and $2 of disk a month."""
    advice = advice_for(MARKET, environment="dev", workers_min=1)["RP005"]
    assert "$26.78 a day" in advice.reason
    assert advice.saving == Decimal("805.52")


def test_a_steady_load_is_compared_with_reserved_gpus() -> None:
    """50,000 x 4 s keep three GPUs 77 % busy; three at $0.44/h are $950.40 a month."""
    advice = advice_for(MARKET, workers_max=5, traffic=BUSY)["RP012"]
    assert "77.2 % of 3 GPUs" in advice.reason
    assert "from 39.4 % on" in advice.reason
    assert "$950.40 a month" in advice.fix


def test_a_queue_that_grows_without_end_is_an_error_with_the_workers_it_takes() -> None:
    """2.31 workers' worth of work at two workers: an error. The advice names five, and five are silent."""
    advice = advice_for(MARKET, workers_max=2, traffic={**BUSY, "latency_target_seconds": 6})["RP013"]
    assert advice.severity == "error"
    enough = int(advice.fix.removeprefix("max workers "))
    assert "RP013" not in advice_for(MARKET, workers_max=enough, traffic={**BUSY, "latency_target_seconds": 6})
    assert "RP013" in advice_for(MARKET, workers_max=enough - 1, traffic={**BUSY, "latency_target_seconds": 6})


def test_a_pool_below_the_bare_need_is_an_error_and_within_the_headroom_a_warning() -> None:
    """16 GB for 20 GB cannot work; 16 GB for 14 GB may."""
    assert advice_for(MARKET, gpu_pools=("SMALL_16",), need={"vram_gb": 20})["RP016"].severity == "error"
    assert advice_for(MARKET, gpu_pools=("SMALL_16",), need={"vram_gb": 14})["RP016"].severity == "warning"


def test_flashboot_off_is_a_warning_where_a_cold_start_misses_the_target() -> None:
    """Off, the start takes longer than it must; on, only the expectation is set right."""
    traffic = {**STEADY, "latency_target_seconds": 10}
    assert advice_for(MARKET, flashboot="OFF", traffic=traffic)["RP007"].severity == "warning"
    assert advice_for(MARKET, flashboot="FLASHBOOT", traffic=traffic)["RP007"].severity == "info"


def test_half_a_second_is_real_time_whatever_is_kept_warm() -> None:
    """Below 500 ms no number of warm workers helps."""
    advice = advice_for(MARKET, workers_min=2, traffic={**STEADY, "latency_target_seconds": 0.4})["RP011"]
    assert "real time" in advice.reason


def test_a_pool_that_is_not_where_the_volume_lies_is_out_of_stock_there() -> None:
    """A pool that the catalog lists in other data centers alone is reported with where it is."""
    advice = advice_for(everything(), gpu_pools=("ELSEWHERE_24",), volumes=[{"size_gb": 20, "data_center": "EU-RO-1"}])
    assert "no stock in EU-RO-1 with its volume" in advice["RP010"].reason
    assert "US-KS-2" in advice["RP010"].fix
    assert "RP009" not in advice


def test_a_second_pool_with_stock_is_enough() -> None:
    """One of several pools with a free GPU keeps workers from waiting."""
    assert "RP010" not in advice_for(everything(), gpu_pools=("EMPTY_24", "MIDDLE_24"), data_centers=("EU-RO-1",))


def test_without_a_catalog_only_rules_that_need_none_speak() -> None:
    """Nothing is guessed: no price, no stock, no pool."""
    plan = {"gpu_pools": ("MISSPELT",), "need": {"vram_gb": 12}, "image": "registry.example.com/team/worker"}
    assert set(advice_for(Market(), **plan)) == {"RP008"}


def test_the_dated_copy_does_not_call_a_pool_unknown() -> None:
    """A pool may be newer than the copy that ships with the package."""
    assert "RP017" not in advice_for(market(MIDDLE, live=False), gpu_pools=("NEWEST_512",))


def test_a_scaler_without_an_idle_timeout_has_no_advice_on_it() -> None:
    """A queue that scales by request count has none to set."""
    assert "RP004" not in advice_for(MARKET, idle_timeout_seconds=5, scaler="REQUEST_COUNT")
