"""Behaviours of the lifecycle that one engine run each holds on both providers. All others run on the dynamic one."""

from __future__ import annotations

import pytest

from pulumi_runpod.native.wording import in_schema_words

both_adapters = pytest.mark.parametrize("adapter", ["dynamic", "native"], indirect=True)
"""For a test that declares resources by `deploy`, `engine` or `killable`."""

both_adapters_exhaustive = pytest.mark.parametrize(
    "adapter", ["dynamic", pytest.param("native", marks=pytest.mark.exhaustive)], indirect=True
)
"""The same, natively in `make test-full` alone: code that both adapters share, and that another test runs natively."""


def worded(adapter: str, message: str) -> str:
    """A message with the names of properties as the adapter's users know them."""
    return in_schema_words(message) if adapter == "native" else message
