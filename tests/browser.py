"""A real browser for tests that look at a page, the system's Chromium: fixtures, for a `conftest.py` to import."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

# Five seconds by default: too few where all cores are busy.
expect.set_options(timeout=60_000)

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium. Its absence fails on CI, where the set-up installs it, and skips elsewhere."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        why = "no Chromium on PATH: `python3 tools/setup.py` installs it as root, else `apt-get install chromium`"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


# Not for the session: while it runs, Playwright's own event loop is this thread's, and tests elsewhere bring theirs.
@pytest.fixture(scope="module")
def playwright(chromium: str) -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
    yield browser
    browser.close()
