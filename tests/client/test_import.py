"""What importing costs: counted in modules, not in seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["pulumi_runpod", "pulumi_runpod.client", "pulumi_runpod.errors", "pulumi_runpod.wire"]
)
def test_a_program_that_makes_no_call_loads_no_http_client(module: str) -> None:
    """httpx takes a tenth of a second to import: only the first call pays for it."""
    code = f"import sys, {module}; print(int('httpx' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "0"


def test_what_the_client_exports_is_there() -> None:
    """Names that are loaded when asked for are really there, and others are not."""
    import pulumi_runpod.client as client

    assert all(getattr(client, name) for name in client.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = client.Nothing  # type: ignore[attr-defined]
