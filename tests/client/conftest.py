"""Clients of the local RunPod that do not really wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_runpod.client import RetryPolicy, RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings

# Tests are imported by path, not as a package: this puts what they share within their reach.
sys.path.insert(0, str(Path(__file__).parent))


class Naps:
    """A `sleep` and its clock: sleeping takes no time and moves the clock; `taken` remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)

    def clock(self) -> float:
        return time.monotonic() + sum(self.taken)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def settings(local_runpod: LocalRunPod) -> Settings:
    return Settings.load({}, local_runpod.environment)


@pytest.fixture
def client(settings: Settings, naps: Naps) -> Iterator[RunPodClient]:
    with RunPodClient(settings, sleep=naps, monotonic=naps.clock, random=lambda: 0.0) as client:
        yield client


@pytest.fixture
def hasty() -> RetryPolicy:
    """Two sends of each kind, so that a test sees both the retry and the end."""
    return RetryPolicy(attempts=2, connect_attempts=2)
