"""Clients of the local RunPod that do not really wait."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_runpod.client import RetryPolicy, RunPodClient
from pulumi_runpod.client.file_set import WantedFile
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume
from tests.client.file_sets import CONTENTS, DATA_CENTER, FOLDER, PART, Opener, files_in

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


@pytest.fixture
def volume_id(client: RunPodClient) -> str:
    wanted = CreateNetworkVolume(name="weights", size=10, dataCenter=DATA_CENTER)
    return client.create(NETWORK_VOLUMES, wanted).id  # type: ignore[attr-defined,no-any-return]  # every object has one


@pytest.fixture
def on_disk(local_runpod: LocalRunPod, volume_id: str) -> Path:
    """The set as a worker sees it."""
    return local_runpod.platform.volume_dir(volume_id) / FOLDER


@pytest.fixture
def opened(settings: Settings, volume_id: str) -> Iterator[Opener]:
    with contextlib.ExitStack() as stack:

        def make(**options: int) -> VolumeFiles:
            options = {"part_bytes": PART, "attempts": 1, **options}
            made = VolumeFiles(settings, data_center=DATA_CENTER, volume_id=volume_id, **options)
            return stack.enter_context(made)

        yield make


@pytest.fixture
def volume(opened: Opener) -> VolumeFiles:
    return opened()


@pytest.fixture
def wanted(tmp_path: Path) -> list[WantedFile]:
    return files_in(tmp_path / "source", CONTENTS)
