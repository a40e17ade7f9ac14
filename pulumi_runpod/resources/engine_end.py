"""The provider's process ends with its engine.

The SDK's shim waits for calls for ever: after the death of its engine it would stay behind, with the shell that started
it. The engine holds the other end of the pipe on stdin, and that ends with the engine however it dies.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable
from types import TracebackType

GRACE_S = 5.0
"""For calls under way, whose objects are then whole; the engine itself waits as long for a provider that it ends."""
_SHIM = "pulumi.dynamic.__main__"


class Calls:
    """Counts the calls under way: a context manager around each."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0

    def __enter__(self) -> None:
        with self._changed:
            self._under_way += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def wait_for_none(self, timeout: float) -> bool:
        """False when some are still under way after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout)


CALLS = Calls()
_started = threading.Lock()


def end_with_engine() -> None:
    """Watch for the end of the engine from now on, once in a process; nothing in a process that is not a provider's."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if getattr(spec, "name", None) == _SHIM and stat.S_ISFIFO(os.fstat(0).st_mode) and _started.acquire(blocking=False):
        threading.Thread(target=exit_at_end_of, args=(0, CALLS), name="end of engine", daemon=True).start()


def exit_at_end_of(
    pipe: int, calls: Calls, *, grace: float = GRACE_S, leave: Callable[[int], object] = os._exit
) -> None:
    """Returns, where `leave` does, when the pipe has ended and no call is under way, or after `grace` seconds."""
    while os.read(pipe, 4096):
        pass
    calls.wait_for_none(grace)
    # Not a normal exit: that would wait for gRPC's threads, and nobody reads what they have to say.
    leave(0)
