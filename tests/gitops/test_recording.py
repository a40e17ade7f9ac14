"""The golden events are those of today's engine and provider: recorded anew, they are the same to the letter."""

from __future__ import annotations

import pytest

from tests.gitops.golden_events import golden_lines
from tests.gitops.recording import record

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("situation", ["policies", "replace", "secrets"])
def test_recorded_events_still_read_the_same(situation: str) -> None:
    """After a change that is meant: `.venv/bin/python -m tests.gitops.record_events`, and a look at the difference."""
    assert record(situation) == golden_lines(situation)
