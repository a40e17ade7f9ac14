"""What is asked for once in a run of the engine and then shared by the whole program.

A run is known by its resource monitor: a program that the Automation API runs twice in one process is two runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from pulumi.runtime.settings import get_monitor

T = TypeVar("T")
_kept: WeakKeyDictionary[object, dict[Hashable, Future[object]]] = WeakKeyDictionary()
_lock = threading.Lock()


def once_per_run(what: Hashable, ask: Callable[[], T]) -> T:
    """`ask()` the first time in a run, and the same answer ever after; who comes meanwhile waits for it.

    A failure reaches all who wait and is not kept. Outside of a run there is nothing to keep an answer in.
    """
    monitor = get_monitor()
    if monitor is None:
        return ask()
    with _lock:
        answers = _kept.setdefault(monitor, {})
        mine = what not in answers
        answer = answers.setdefault(what, Future())
    if mine:
        try:
            answer.set_result(ask())
        except BaseException as error:
            with _lock:
                del answers[what]
            answer.set_exception(error)
            raise
    return cast("T", answer.result())
