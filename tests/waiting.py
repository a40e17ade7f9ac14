"""What real processes do in their own time, and tell nobody: looked at again and again, for so long and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(holds: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first result that is not None or False. Raises AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        result = holds()
        if result is not None and result is not False:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing came of it within {seconds} s")
        time.sleep(0.02)
