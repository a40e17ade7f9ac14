"""Child processes of the host: each in its own session, none outliving it.

The engine ends every plugin by SIGINT to its process group. A Python program in that group would answer with a
traceback on the user's screen; in its own session it gets only what is sent from here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 1.5
"""From the first signal to SIGKILL. The engine kills the host itself after 5 s."""


class Children:
    """Starts children, remembers the living, and stops them all when the engine is done or gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._living: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Raises OSError when the program cannot be started, or when the host is shutting down."""
        with self._lock:
            if self._closed:
                raise ProcessLookupError("the language host is shutting down")
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,
            )
            self._living.add(child)
            return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """The exit status, negative for a signal. What the child itself left in the background is its own affair."""
        status = child.wait()
        with self._lock:
            self._living.discard(child)
        return status

    def stop(self, child: subprocess.Popen[bytes], first: signal.Signals) -> None:
        """Signals the child's whole session, and kills it after the grace time."""
        _stop([child], first)

    def stop_all(self) -> None:
        """Stops every child and refuses new ones."""
        with self._lock:
            self._closed = True
            living = list(self._living)
        _stop(living, signal.SIGTERM)


def _stop(children: Sequence[subprocess.Popen[bytes]], first: signal.Signals) -> None:
    """One grace time for all of them together, or the engine would lose patience with the host."""
    living = [child for child in children if child.poll() is None]
    for child in living:
        _signal_session(child, first)
    patience_ends = time.monotonic() + GRACE_SECONDS
    for child in living:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, patience_ends - time.monotonic()))
    for child in living:
        _signal_session(child, signal.SIGKILL)
        child.wait()


def _signal_session(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
