"""The clock of the local RunPod: real, frozen, moved by hand."""

from __future__ import annotations

import asyncio
import gc

import pytest

from pulumi_runpod.emulator.platform.clock import Clock, parse_rfc3339, rfc3339

T0 = 1_700_000_000.0


def test_a_frozen_clock_stands_still_until_it_is_advanced() -> None:
    """Time is what the test says it is."""
    clock = Clock(frozen_at=T0)
    assert clock.now() == T0
    clock.advance(90)
    assert clock.now() == T0 + 90
    assert clock.timestamp() == "2023-11-14T22:14:50.000000Z"


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_clock_moves_forward_only(seconds: float) -> None:
    """A step back, or no number at all, is refused."""
    with pytest.raises(ValueError, match="forward only"):
        Clock(frozen_at=T0).advance(seconds)


async def _timers_in_order() -> list[tuple[str, float]]:
    clock, seen = Clock(frozen_at=T0), []

    def first() -> None:
        seen.append(("first", clock.now() - T0))
        clock.call_later(5, lambda: seen.append(("child", clock.now() - T0)))

    clock.call_later(20, lambda: seen.append(("second", clock.now() - T0)))
    clock.call_later(10, first)
    clock.call_later(200, lambda: seen.append(("never", clock.now() - T0)))
    clock.advance(100)
    return [*seen, ("end", clock.now() - T0)]


def test_one_long_step_is_many_short_ones() -> None:
    """Timers fire in order at their own moments, those that they start on the way included."""
    assert asyncio.run(_timers_in_order()) == [("first", 10), ("child", 15), ("second", 20), ("end", 100)]


def test_a_cancelled_timer_never_fires_and_leaves_nothing_behind() -> None:
    """Cancelling many timers keeps neither them nor what they hold."""

    async def run() -> tuple[int, int]:
        clock = Clock(frozen_at=T0)
        for _ in range(10_000):
            clock.call_later(3600, lambda: pytest.fail("cancelled")).cancel()
        clock.advance(7200)
        return clock.pending, len(clock._timers)

    pending, kept = asyncio.run(run())
    assert pending == 0
    assert kept < 200


def test_sleepers_on_a_flowing_clock_leave_nothing_in_its_heap() -> None:
    """Real-time sleeps that end, or are cancelled, are forgotten."""

    async def run() -> int:
        clock = Clock()
        await asyncio.gather(*(clock.sleep(0.001) for _ in range(200)))
        gone = [asyncio.ensure_future(clock.sleep(3600)) for _ in range(200)]
        await asyncio.sleep(0)
        for sleeper in gone:
            sleeper.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        gc.collect()
        return clock.pending

    assert asyncio.run(run()) == 0


def test_a_flowing_clock_wakes_its_sleepers_in_order() -> None:
    """Sleeps end by real time, the shortest first, however they were begun."""

    async def run() -> list[float]:
        clock, woken = Clock(), []

        async def sleep(seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(seconds)

        await asyncio.gather(sleep(0.06), sleep(0.02), sleep(0.04))
        return woken

    assert asyncio.run(run()) == [0.02, 0.04, 0.06]


def test_advancing_a_flowing_clock_wakes_sleepers_at_once() -> None:
    """An hour's sleep ends when the clock is moved by an hour."""

    async def run() -> None:
        clock = Clock()
        sleeper = asyncio.ensure_future(clock.sleep(3600))
        await asyncio.sleep(0)
        clock.advance(3601)
        await asyncio.wait_for(sleeper, 5)

    asyncio.run(run())


def test_a_clock_that_is_frozen_and_resumed_goes_on_from_where_it_stands() -> None:
    """Nothing is due while it is, and what was due comes after."""

    async def run() -> bool:
        clock = Clock()
        sleeper = asyncio.ensure_future(clock.sleep(0.01))
        await asyncio.sleep(0)
        clock.freeze()
        stood = clock.now()
        await asyncio.sleep(0.05)
        assert clock.now() == stood
        assert not sleeper.done()
        clock.resume()
        await asyncio.wait_for(sleeper, 5)
        return clock.now() - stood < 1

    assert asyncio.run(run())


def test_times_are_rfc_3339_with_a_zone() -> None:
    """What is written can be read again, and a time without a zone is refused."""
    assert parse_rfc3339(rfc3339(T0 + 0.123456)) == pytest.approx(T0 + 0.123456, abs=1e-6)
    with pytest.raises(ValueError, match="no time zone"):
        parse_rfc3339("2026-01-01T00:00:00")
