"""What a person can break outside the program: settings and states. One line each, and no traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_runpod import Endpoint
from tests.e2e.conftest import RealStack

pytestmark = pytest.mark.engine


def one_endpoint() -> None:
    Endpoint(
        "worker",
        type="QUEUE",
        scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
        gpu={"pools": ["ADA_24"]},
        image="registry.example.com/team/worker:1",
    )


def test_a_broken_setting_and_a_state_edited_by_hand_are_one_line(deploy: Callable[..., RealStack]) -> None:
    """An `up` without changes refuses the setting; a refresh says what cannot be read."""
    stack = deploy(one_endpoint)
    assert not stack.up().failed

    def edit(resource: dict[str, Any]) -> None:
        resource["outputs"]["workers"] = "three"

    stack.rewrite(edit)
    refreshed = stack.refresh()
    stack.config("runpod:timeout", "soon")
    refused = stack.up()

    assert refreshed.failed
    assert "edited by hand" in refreshed.text
    assert refused.failed
    assert "runpod:timeout" in refused.text
    for outcome in (refreshed, refused):
        assert "Traceback" not in outcome.text
