"""Threads share the account's quota: all of it is used, and nobody is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.pacing import Pacer, QuotaSpentError
from pulumi_runpod.client.ratelimit import Quota
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import RateLimited
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

LONG = 1000.0


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(monotonic=clock, sleep=clock.sleep)


def quota(remaining: int, reset: int | None = 10, name: str = "minute") -> tuple[Quota, ...]:
    return (Quota(name, remaining, reset),)


def test_while_calls_are_left_nobody_waits(pacer: Pacer, clock: Clock) -> None:
    """The quota is used up first, and waited for afterwards."""
    for left in (2, 1):
        pacer.acquire(LONG)
        pacer.release(quota(left), answered=True)
    pacer.acquire(LONG)

    assert clock.slept == []


def test_a_used_up_window_is_waited_for_to_its_end(pacer: Pacer, clock: Clock) -> None:
    """Not a second more: the end is the service's own figure."""
    pacer.acquire(LONG)
    pacer.release(quota(0, reset=10), answered=True)

    assert pacer.acquire(LONG) == pytest.approx(10)
    assert clock.slept == [10]


def test_the_longest_window_decides(pacer: Pacer, clock: Clock) -> None:
    """Room in one window is no room while another is used up."""
    pacer.acquire(LONG)
    pacer.release((*quota(0, reset=10), *quota(0, reset=300, name="hour")), answered=True)

    assert pacer.acquire(LONG) == pytest.approx(300)


def test_a_wait_that_is_too_long_is_an_error_at_once(pacer: Pacer, clock: Clock) -> None:
    """Nobody sleeps for an hour in silence."""
    pacer.acquire(LONG)
    pacer.release(quota(0, reset=3000, name="hour"), answered=True)

    with pytest.raises(QuotaSpentError, match="hour window is used up for 3000 s"):
        pacer.acquire(LONG)
    assert clock.slept == []


def test_the_earliest_end_that_any_answer_tells_is_taken(pacer: Pacer, clock: Clock) -> None:
    """Ends are reported in whole seconds, rounded up: a later answer may know better."""
    pacer.acquire(LONG)
    pacer.acquire(LONG)
    pacer.release(quota(1, reset=3), answered=True)
    clock.now = 0.9
    pacer.release(quota(0, reset=2), answered=True)

    assert pacer.acquire(LONG) == pytest.approx(2.0)


def test_an_answer_that_was_overtaken_gives_no_calls_back(pacer: Pacer, clock: Clock) -> None:
    """Answers arrive in any order; the smallest remainder of a window is the true one."""
    for _ in range(3):
        pacer.acquire(LONG)
    pacer.release(quota(0), answered=True)
    pacer.release(quota(1), answered=True)
    pacer.release(quota(2), answered=True)
    pacer.acquire(LONG)

    assert clock.slept == [10]


def test_a_new_window_gives_its_calls(pacer: Pacer, clock: Clock) -> None:
    """After the end, the first answer tells how much the next window holds."""
    pacer.acquire(LONG)
    pacer.release(quota(0, reset=10), answered=True)
    pacer.acquire(LONG)
    pacer.release(quota(59, reset=10), answered=True)
    for _ in range(59):
        pacer.acquire(LONG)

    assert clock.slept == [10]


def test_the_end_of_a_window_foretells_the_next(pacer: Pacer, clock: Clock) -> None:
    """Windows are of one length: what is known of one end makes up for the rounding of the next."""

    def window(remaining: int, reset: int) -> tuple[Quota, ...]:
        return (Quota("minute", remaining, reset, limit=2, seconds=3),)

    pacer.acquire(LONG)
    clock.now = 0.1
    pacer.release(window(0, 3), answered=True)
    pacer.acquire(LONG)
    clock.now = 3.9
    pacer.release(window(0, 3), answered=True)

    pacer.acquire(LONG)
    assert clock.now == pytest.approx(6.1)


def test_a_429_holds_everybody_back(pacer: Pacer, clock: Clock) -> None:
    """Another process has taken the last calls: no thread tries before the time that the service asks for."""
    pacer.acquire(LONG)
    pacer.release(answered=True, blocked_for=7.0)

    assert pacer.acquire(LONG) == pytest.approx(7)


def test_a_service_without_quota_is_not_paced(pacer: Pacer, clock: Clock) -> None:
    """Exempt callers get no headers."""
    pacer.acquire(LONG)
    pacer.release(answered=True)
    for _ in range(100):
        pacer.acquire(LONG)

    assert clock.slept == []


def test_a_window_without_an_end_is_tried_again_after_a_second(pacer: Pacer, clock: Clock) -> None:
    """`t` is optional."""
    pacer.acquire(LONG)
    pacer.release(quota(0, reset=None), answered=True)

    assert pacer.acquire(LONG) == pytest.approx(1.0)


def test_more_calls_than_are_left_are_never_under_way(pacer: Pacer) -> None:
    """A fifth thread waits for an answer when four calls are left and four are under way."""
    pacer.acquire(LONG)
    pacer.release(quota(4), answered=True)
    for _ in range(4):
        pacer.acquire(LONG)
    went = threading.Event()

    def fifth() -> None:
        pacer.acquire(LONG)
        went.set()

    thread = threading.Thread(target=fifth)
    thread.start()
    assert not went.wait(0.05)
    pacer.release((Quota("minute", 4, 10),), answered=False)
    thread.join(5)

    assert went.is_set()


def volume(number: int) -> CreateNetworkVolume:
    return CreateNetworkVolume.model_validate({"name": f"v{number}", "size": 10, "dataCenter": "EU-RO-1"})


# A call that a busy machine delays into the next window can be refused there.
@pytest.mark.exhaustive
def test_many_threads_use_the_quota_up_and_are_never_refused(local_runpod: LocalRunPod) -> None:
    """50 creates from 8 threads under 20 a second are 50 calls: no 429, and none is sent twice."""
    local_runpod.limit("q=20;w=1")
    with (
        RunPodClient(Settings.load({}, local_runpod.environment)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        made = list(pool.map(lambda number: client.create(NETWORK_VOLUMES, volume(number)), range(50)))

    assert len({getattr(one, "id", None) for one in made}) == 50
    assert [call.status for call in local_runpod.calls("POST", "/v2/network-volumes")] == [201] * 50


def test_two_processes_on_one_key_both_get_through(local_runpod: LocalRunPod) -> None:
    """Where two clients race for the last calls of a window, the loser waits and comes back; nothing fails."""
    local_runpod.limit("q=10;w=1")
    settings = Settings.load({}, local_runpod.environment)
    with RunPodClient(settings) as one, RunPodClient(settings) as other, ThreadPoolExecutor(8) as pool:
        both = (one, other)
        made = list(pool.map(lambda n: both[n % 2].create(NETWORK_VOLUMES, volume(n)), range(30)))

    assert len({getattr(m, "id", None) for m in made}) == 30


def test_a_quota_that_is_gone_for_the_day_is_reported_before_the_next_call(
    local_runpod: LocalRunPod, client: RunPodClient
) -> None:
    """The call that could only be refused is not sent."""
    local_runpod.limit("q=1;w=86400")
    client.list(NETWORK_VOLUMES)

    with pytest.raises(RateLimited, match="not sent: the quota of the day window is used up") as raised:
        client.list(NETWORK_VOLUMES)
    assert raised.value.retry_after is not None
    assert len(local_runpod.calls()) == 1
