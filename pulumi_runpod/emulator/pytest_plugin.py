"""pytest fixture `local_runpod`: a fresh `LocalRunPod` per test. Imports the server only when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pulumi_runpod.emulator.local import LocalRunPod


@pytest.fixture
def local_runpod() -> Iterator[LocalRunPod]:
    """A local RunPod with an empty account, for this test alone."""
    from pulumi_runpod.emulator.local import LocalRunPod

    with LocalRunPod() as running:
        yield running
