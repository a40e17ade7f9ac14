"""What is asked for once in a run of the engine and then shared by all components of the program.

A run is known by its resource monitor: a program that the Automation API runs twice in one process is two runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from pulumi.runtime.settings import get_monitor

T = TypeVar("T")
_kept: WeakKeyDictionary[object, dict[str, object]] = WeakKeyDictionary()


def once_per_run(what: str, ask: Callable[[], T]) -> T:
    """`ask()` the first time in a run, and the same answer ever after."""
    answers = _kept.setdefault(get_monitor(), {})
    if what not in answers:
        answers[what] = ask()
    found: T = answers[what]  # type: ignore[assignment]  # put there by the same `what`
    return found
