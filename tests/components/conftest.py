"""A loop for programs under Pulumi's mocks."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(autouse=True)
def _current_loop(mock_loop: asyncio.AbstractEventLoop) -> None:
    """Pulumi's mocks take the thread's loop, which `asyncio.run` in an earlier test has taken away."""
    asyncio.set_event_loop(mock_loop)
