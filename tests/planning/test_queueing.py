"""Warm workers, cold starts and waits: formulas against closed cases, bounds, and a simulation of their own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_simulation import simulate

from pulumi_runpod.planning.queueing import erlang_b, erlang_c, occupancy, wait_beyond

loads = st.floats(0.001, 40)
times = st.floats(0.1, 600)
workers = st.integers(1, 60)


def test_erlang_formulas_give_the_tabulated_values() -> None:
    """B(1, 1) = 1/2, B(2, 1) = 1/5, B(10, 5) = 0.0184; C(1, 0.5) = 1/2, C(2, 1) = 1/3."""
    assert erlang_b(1, 1.0) == pytest.approx(1 / 2)
    assert erlang_b(2, 1.0) == pytest.approx(1 / 5)
    assert erlang_b(10, 5.0) == pytest.approx(0.0184, abs=5e-5)
    assert erlang_c(1, 0.5) == pytest.approx(1 / 2)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


def test_a_single_server_waits_as_the_m_m_1_queue_does() -> None:
    """P(wait > x) = load * e^(-(1 - load) x / s): at load 0.8 and 10 s, 5 % wait longer than 139 s."""
    wait = wait_beyond(servers=1, load=0.8, seconds_each=10, share=0.05)
    assert 0.8 * math.exp(-0.2 * wait / 10) == pytest.approx(0.05)
    assert wait == pytest.approx(138.6, abs=0.1)


def test_more_work_than_workers_waits_for_ever() -> None:
    """A load that is not below the servers has no longest wait."""
    assert wait_beyond(servers=2, load=2.0, seconds_each=1, share=0.05) == math.inf
    assert occupancy(
        arrivals_per_second=3, seconds_each=1, idle_timeout=5, cold_start=9, always_on=0, ceiling=2
    ).overloaded


@pytest.mark.parametrize(
    ("rate", "each", "idle", "cold"), [(0.01, 4, 60, 26), (0.05, 10, 5, 26), (0.002, 30, 300, 60), (0.08, 10, 20, 15)]
)
def test_one_worker_is_exact(rate: float, each: float, idle: float, cold: float) -> None:
    """For one worker the means are those of the M/G/1 queue with set-up and delayed switch-off, as simulated."""
    result = occupancy(
        arrivals_per_second=rate, seconds_each=each, idle_timeout=idle, cold_start=cold, always_on=0, ceiling=1
    )
    seen = simulate(
        arrivals_per_second=rate, seconds_each=each, idle_timeout=idle, cold_start=cold, ceiling=1, jobs=150_000, seed=1
    )
    assert result.busy_on_demand == pytest.approx(seen.busy, rel=0.02)
    assert result.idle_on_demand == pytest.approx(seen.idle, rel=0.03)
    assert result.cold_starts == pytest.approx(seen.cold_starts, rel=0.03)


@pytest.mark.parametrize(
    ("rate", "each", "idle", "cold", "ceiling"),
    [(0.05, 4, 60, 26, 5), (0.2, 10, 60, 26, 5), (1.0, 4, 60, 15, 8), (0.5, 10, 300, 26, 10), (0.02, 4, 10, 26, 3)],
)
def test_several_workers_are_near_a_simulation(
    rate: float, each: float, idle: float, cold: float, ceiling: int
) -> None:
    """For several workers the warm ones (at work and idle) are within a quarter of what a simulation counts."""
    result = occupancy(
        arrivals_per_second=rate, seconds_each=each, idle_timeout=idle, cold_start=cold, always_on=0, ceiling=ceiling
    )
    seen = simulate(
        arrivals_per_second=rate,
        seconds_each=each,
        idle_timeout=idle,
        cold_start=cold,
        ceiling=ceiling,
        jobs=40_000,
        seed=2,
    )
    warm, counted = result.busy_on_demand + result.idle_on_demand, seen.busy + seen.idle
    assert warm == pytest.approx(counted, rel=0.25), (result, seen)


@given(load=loads, each=times, idle=times, cold=st.floats(0, 120), ceiling=workers, share=st.floats(0, 1))
@settings(max_examples=300)
def test_means_stay_within_their_bounds(
    load: float, each: float, idle: float, cold: float, ceiling: int, share: float
) -> None:
    """All work is done, no more workers exist than may, and no request starts or warms more than one worker."""
    always_on = int(share * ceiling)
    rate = load / each
    result = occupancy(
        arrivals_per_second=rate,
        seconds_each=each,
        idle_timeout=idle,
        cold_start=cold,
        always_on=always_on,
        ceiling=ceiling,
    )
    on_demand = result.busy_on_demand + result.idle_on_demand + result.cold_starts * cold
    assert on_demand <= ceiling - always_on + 1e-6
    assert result.cold_starts <= rate * (1 + 1e-9)
    assert result.idle_on_demand <= rate * idle * (1 + 1e-9)
    assert min(result.busy_on_demand, result.idle_on_demand, result.cold_starts) >= 0
    if not result.overloaded and always_on == 0:
        assert result.busy_on_demand == pytest.approx(load, rel=1e-6, abs=1e-7)


@given(load=loads, each=times, idle=times, cold=st.floats(0, 120), ceiling=workers, factor=st.floats(1, 10))
@settings(max_examples=300)
def test_a_longer_idle_timeout_keeps_more_warm_and_starts_less(
    load: float, each: float, idle: float, cold: float, ceiling: int, factor: float
) -> None:
    """Idle windows grow with the timeout, cold starts fall."""
    short, long = (
        occupancy(
            arrivals_per_second=load / each,
            seconds_each=each,
            idle_timeout=timeout,
            cold_start=cold,
            always_on=0,
            ceiling=ceiling,
        )
        for timeout in (idle, idle * factor)
    )
    assert long.idle_on_demand >= short.idle_on_demand - 1e-9
    assert long.cold_starts <= short.cold_starts + 1e-9


@given(load=st.floats(0.001, 30), each=times, servers=workers)
def test_one_more_server_never_waits_longer(load: float, each: float, servers: int) -> None:
    """Waits fall with every worker."""
    before, after = (wait_beyond(servers=n, load=load, seconds_each=each, share=0.05) for n in (servers, servers + 1))
    assert after <= before
