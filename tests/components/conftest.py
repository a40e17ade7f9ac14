"""Programs under Pulumi's mocks, which need a loop, and on the real engine against a local RunPod."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.conftest import (  # noqa: F401 - the engine's fixtures
    _nothing_left_behind,
    _quiet_failed_programs,
    adapter,
    deploy,
    engine,
    pulumi_command,
    pulumi_home,
)


@pytest.fixture(autouse=True)
def _current_loop(mock_loop: asyncio.AbstractEventLoop) -> None:
    """Pulumi's mocks take the thread's loop, which `asyncio.run` in an earlier test has taken away."""
    asyncio.set_event_loop(mock_loop)
