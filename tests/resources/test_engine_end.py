"""The provider's process ends when the pipe of its engine does, after the calls under way."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from pulumi_runpod.resources.engine_end import Calls, exit_at_end_of


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_it_leaves_when_the_pipe_ends_and_not_before(pipe: tuple[int, int]) -> None:
    """What the engine may write is no end."""
    reading, writing = pipe
    left = threading.Event()
    watcher = threading.Thread(target=exit_at_end_of, args=(reading, Calls()), kwargs={"leave": lambda _: left.set()})
    watcher.start()
    os.write(writing, b"hello")
    assert not left.is_set()
    os.close(writing)
    watcher.join(10)

    assert left.is_set()


def test_a_call_under_way_is_waited_for(pipe: tuple[int, int]) -> None:
    """An object that is being made is whole afterwards."""
    reading, writing = pipe
    calls, order = Calls(), []
    watcher = threading.Thread(
        target=exit_at_end_of, args=(reading, calls), kwargs={"grace": 60.0, "leave": lambda _: order.append("left")}
    )
    with calls:
        watcher.start()
        os.close(writing)
        order.append("call ended")
    watcher.join(10)

    assert order == ["call ended", "left"]


def test_a_call_that_does_not_end_is_not_waited_for_longer_than_the_grace_time(pipe: tuple[int, int]) -> None:
    """An upload or the wait for a release may take an hour."""
    reading, writing = pipe
    calls, left = Calls(), []
    os.close(writing)
    with calls:
        exit_at_end_of(reading, calls, grace=0.0, leave=left.append)

    assert left == [0]
