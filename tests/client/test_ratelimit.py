"""Reading `RateLimit` headers: every order, every gap, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.client.ratelimit import Quota, quotas, retry_after

POLICY = '"minute";q=60;w=60, "hour";q=3000;w=3600, "day";q=50000;w=86400'
STATE = '"minute";r=0;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012'


def test_the_published_example_is_read() -> None:
    """Three windows, with what is left, when they end, and their policy."""
    assert quotas({"ratelimit": STATE, "ratelimit-policy": POLICY}) == (
        Quota("minute", 0, 12, 60, 60),
        Quota("hour", 2800, 1812, 3000, 3600),
        Quota("day", 49500, 45012, 50000, 86400),
    )


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("", ()),
        ('"minute";t=5;r=3', (Quota("minute", 3, 5),)),
        ('"minute";r=3', (Quota("minute", 3),)),
        ('"minute";r=3;pk=:dGVuYW50:;t=7;new="a,b;c"', (Quota("minute", 3, 7),)),
        ('"minute";t=5', ()),
        ('minute;r=1, "hour";r=2', (Quota("hour", 2),)),
        ('"min,ute";r=1;t=2, "h\\"our";r=3', (Quota("min,ute", 1, 2), Quota('h\\"our', 3))),
        ('"minute";r=-1', ()),
        ('"minute";r=1.5', ()),
        (',,"minute";r=1', (Quota("minute", 1),)),
    ],
)
def test_orders_gaps_and_strangers_are_taken(state: str, found: tuple[Quota, ...]) -> None:
    """Parameters in any order, `t` missing, unknown parameters; what cannot be read is left out."""
    assert quotas({"ratelimit": state}) == found


numbers = st.integers(min_value=0, max_value=10**9)
names = st.text(alphabet=st.characters(codec="ascii", exclude_characters='"\\', exclude_categories=["Cc"]), min_size=1)
extras = st.lists(st.sampled_from(['x="a;b"', "y=12", "z", 'q="1,2"', "pk=:YQ==:"]), max_size=2)


@given(st.dictionaries(names, st.tuples(numbers, st.none() | numbers, extras, st.randoms()), max_size=4))
def test_what_a_service_writes_is_read_back(windows: dict[str, tuple[int, int | None, list[str], object]]) -> None:
    """Any windows, in any order of parameters, with unknown parameters between them."""
    members = []
    for name, (remaining, reset, strangers, random) in windows.items():
        parameters = [f"r={remaining}", *([f"t={reset}"] if reset is not None else []), *strangers]
        random.shuffle(parameters)  # type: ignore[attr-defined]
        members.append(";".join([f'"{name}"', *parameters]))

    found = quotas({"ratelimit": ", ".join(members)})

    assert [(q.name, q.remaining, q.reset) for q in found] == [(n, w[0], w[1]) for n, w in windows.items()]


@given(st.text(), st.text(), st.text())
def test_no_header_is_ever_an_error(state: str, policy: str, after: str) -> None:
    """A quota is advice: nonsense means that none was reported."""
    headers = {"ratelimit": state, "ratelimit-policy": policy, "retry-after": after}

    assert isinstance(quotas(headers), tuple)
    assert (retry_after(headers) or 0) >= 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Tue, 24 Nov 2026 00:00:00 GMT"}, None),
        ({"retry-after": "3", "ratelimit": STATE}, 12),
        ({"retry-after": "30", "ratelimit": STATE}, 30),
        ({"ratelimit": '"minute";r=0;t=12, "hour";r=0;t=1812'}, 1812),
        ({"ratelimit": '"minute";r=1;t=12'}, None),
    ],
)
def test_the_longest_wait_that_is_asked_for_counts(headers: dict[str, str], seconds: float | None) -> None:
    """`Retry-After` and the end of every window that is used up."""
    assert retry_after(headers) == seconds
