"""docs/settings.md is what the models of the settings say: meaning, unit, range and defaults of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks.loading import DEFAULTS, load
from stacks.settings import ServiceSettings
from stacks.settings_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def row(key: str) -> list[str]:
    """Value, default and meaning."""
    (found,) = re.findall(rf"^\| `{key}` \| (.*) \| (.*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    return list(found)


def test_the_page_is_what_the_models_say() -> None:
    """`.venv/bin/python -m stacks.settings_page > docs/settings.md` brings it up to date."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("key", [field.alias for field in ServiceSettings.model_fields.values()])
def test_every_setting_has_a_row_with_a_meaning(key: str) -> None:
    """With what is allowed, and what holds when it is not set."""
    assert all(row(key))


@pytest.mark.parametrize("environment", DEFAULTS)
@pytest.mark.parametrize(("key", "field"), [("protectVolume", "protect_volume"), ("volumeSizeGb", "volume_size_gb")])
def test_a_default_on_the_page_is_the_one_that_holds(environment: str, key: str, field: str) -> None:
    """Of each environment, the platform's included."""
    image = {} if environment == "platform" else {"p:image": "registry.example.com/team/sdxl-worker:v1"}
    settings = load(image, project="p", stack=environment)
    text = dict(re.findall(r"(\w+) `(\w+)`", row(key)[1])).get(environment, row(key)[1].strip("`"))

    assert text == str(getattr(settings, field)).lower()


def test_numbers_have_units_and_ranges() -> None:
    """As in the mistakes that are reported."""
    assert row("idleTimeoutSeconds")[0] == "whole number, 1 to 3600 s"
    assert row("gpuVramGb")[0] == "0.1 to 10000 GB"
    assert row("workersMin")[:2] == ["whole number, 0 to 1000 workers", "dev `0`, staging `0`, prod `1`"]
