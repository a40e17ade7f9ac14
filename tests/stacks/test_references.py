"""Names of other stacks in the form that all backends take: file and S3, whose organization is `organization`, and
Pulumi Cloud, where a team has its own.

Under mocks, since Pulumi Cloud cannot be had here: they say which organization a program runs in.
"""

from __future__ import annotations

import asyncio

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from stacks.references import qualified


class Nothing(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, object]]:
        return args.name, {}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, object]:
        return {}


@pytest.mark.parametrize(
    ("organization", "name", "full"),
    [
        ("organization", "platform", "organization/runpod-sdxl/platform"),
        ("acme", "platform", "acme/runpod-sdxl/platform"),
        ("acme", "shared-volume/platform", "acme/shared-volume/platform"),
        ("acme", "others/shared-volume/platform", "others/shared-volume/platform"),
    ],
)
def test_a_name_is_completed_with_this_organization_and_project(
    organization: str,
    name: str,
    full: str,
    mock_loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the name leaves out, from the left."""
    asyncio.set_event_loop(mock_loop)
    monkeypatch.setattr(SETTINGS, "monitor", None)  # put back afterwards: it is the process's
    pulumi.runtime.set_mocks(Nothing(), project="runpod-sdxl", stack="dev", organization=organization)

    assert qualified(name) == full
