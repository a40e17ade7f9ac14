"""Which request may be sent again, after how long, and when to give up."""

from __future__ import annotations

import pytest

from pulumi_runpod.client.retry import Attempts, RetryPolicy


def attempts(method: str = "GET", *, policy: RetryPolicy | None = None, random: float = 0.0) -> Attempts:
    return Attempts(policy or RetryPolicy(), method=method, repeatable=method != "POST", random=lambda: random)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_reads_changes_and_deletes_are_repeated_after_a_server_error(method: str, status: int) -> None:
    """Doing them twice is doing them once."""
    assert attempts(method).after_status(status, None) is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_post_that_may_have_arrived_is_never_repeated(status: int) -> None:
    """A second POST can make a second, billed object."""
    assert attempts("POST").after_status(status, None) is None
    assert attempts("POST").after_failure(sent=True) is None


def test_a_post_whose_connection_never_opened_is_repeated() -> None:
    """The service cannot have seen it."""
    assert attempts("POST").after_failure(sent=False) is not None


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 422])
def test_an_answer_is_an_answer(status: int) -> None:
    """Success and refusals are final."""
    assert attempts().after_status(status, None) is None


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_every_method_waits_for_the_quota(method: str) -> None:
    """A 429 did no work."""
    assert attempts(method).after_status(429, 7.0) == pytest.approx(7.0)


def test_jitter_only_lengthens_a_wait_for_the_quota() -> None:
    """A client that comes back early is refused again."""
    assert attempts(random=1.0).after_status(429, 7.0) == pytest.approx(7.7)


def test_a_window_that_ends_too_late_is_not_waited_for() -> None:
    """The end of the hour is raised at once instead."""
    assert attempts().after_status(429, 1800.0) is None


def test_backoff_doubles_up_to_a_limit_and_ends() -> None:
    """Five sends: four waits, then the answer is final."""
    one = attempts(random=1.0)

    assert [one.after_status(503, None) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, None]


def test_backoff_is_spread_over_half_of_its_length() -> None:
    """Clients that failed together do not come back together."""
    assert attempts(random=0.0).after_status(503, None) == pytest.approx(0.25)


def test_a_server_error_may_ask_for_a_longer_wait() -> None:
    """`Retry-After` of a 503 is honoured."""
    assert attempts().after_status(503, 20.0) == pytest.approx(20.0)


def test_an_unreachable_host_is_reported_soon() -> None:
    """Three sends in all: a wrong URL is more likely than a blink of the network."""
    one = attempts()

    assert [one.after_failure(sent=False) is None for _ in range(3)] == [False, False, True]


def test_all_waits_together_are_bounded() -> None:
    """A quota that never has room for this request ends in an error, not in a hang."""
    one = attempts(policy=RetryPolicy(total_wait=100.0))
    waits = []
    while (wait := one.after_status(429, 30.0)) is not None:
        waits.append(wait)

    assert waits == [30.0, 30.0, 30.0]
    assert one.waited == pytest.approx(90.0)


def test_a_429_without_any_hint_backs_off() -> None:
    """Neither `Retry-After` nor a window: the usual backoff, longer each time."""
    one = attempts()

    assert [one.after_status(429, None) for _ in range(3)] == [0.5, 1.0, 2.0]


def test_a_429_without_any_hint_ends_after_two_minutes() -> None:
    """Nothing says that the quota ever comes back."""
    one = attempts()
    while one.after_status(429, None) is not None:
        pass

    assert 100 < one.waited <= 120
