"""Providers of an engine that was killed.

A provider of `pulumi_runpod` ends by itself, once it has been asked for something: its own watcher starts with the
first call. One whose engine dies before that has nothing that would end it, nor has the shell around it. So the host,
whose pipe tells when the engine is gone, ends what is left. The engine gives its address to every plugin: by that, the
shim and its Python are recognised.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 6.0
"""A provider that ends by itself takes up to 5 s for the calls that are under way."""
_SHIM = "pulumi-resource-pulumi-python"
_MODULE = "pulumi.dynamic"


def end_providers_of(engine: str, *, patience: float = PATIENCE_SECONDS, processes: Path = Path("/proc")) -> None:
    """Waits for the providers of a dead engine, and kills those that are left after `patience` seconds.

    Does nothing without an address, or on a system without /proc.
    """
    ends = time.monotonic() + patience
    while engine and (living := list(_providers(engine, processes))):
        with _watched(living) as ended:
            if not ended.poll(max(0.0, ends - time.monotonic()) * 1000):
                for pid in living:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                ended.poll(1000)


def _providers(engine: str, processes: Path) -> Iterator[int]:
    for entry in processes.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if entry.stat().st_uid != os.getuid():
                continue
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
            if engine in arguments and any(one == _MODULE or one.endswith(f"/{_SHIM}") for one in arguments):
                yield int(entry.parent.name)


@contextlib.contextmanager
def _watched(pids: list[int]) -> Iterator[select.poll]:
    """A poll object that wakes when one of the processes ends."""
    ended = select.poll()
    with contextlib.ExitStack() as opened:
        for pid in pids:
            try:
                watched = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            opened.callback(os.close, watched)
            ended.register(watched, select.POLLIN)
        yield ended
