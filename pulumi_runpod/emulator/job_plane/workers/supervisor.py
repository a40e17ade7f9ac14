"""Starts one worker in its own process group, and leaves nothing of it behind: not when the worker ends, and not
when the local RunPod dies, which this program sees as the end of its standard input.

Standard library only, started with `python -I -S`: there is one per worker. Bytes on standard input are orders:
`T` SIGTERM to the worker, `K` SIGKILL to its group, `S` SIGSTOP to the worker. The exit code is the worker's, 128 + N
when signal N ended it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ROUNDS = 200
"""Bound on the sweep: each round kills a generation of processes that were born during the one before."""


def main(command: list[str]) -> int:
    # A process that a worker left behind becomes our child, not init's, whatever group or session it moved to.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    worker = _start(command)
    code = _wait(worker, woken)
    _sweep(worker)
    return code


def _start(command: list[str]) -> int:
    me = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        # Should this program be killed itself, the worker follows.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(137)
        signal.set_wakeup_fd(-1)
        for restored in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(restored, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606 - no shell may stand between us and the worker
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait(worker: int, woken: int) -> int:
    """Obey until the worker ends or nobody is left to give orders."""
    while True:
        readable, _, _ = select.select([0, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            if (code := _reap(worker)) is not None:
                return code
        if 0 in readable:
            orders = os.read(0, 64)
            if not orders:
                return 137
            for order in orders:
                _obey(worker, order)


def _obey(worker: int, order: int) -> None:
    try:
        if order == ord("T"):
            os.kill(worker, signal.SIGTERM)
        elif order == ord("K"):
            os.killpg(worker, signal.SIGKILL)
        elif order == ord("S"):
            # Its heartbeat, a separate process, goes on.
            os.kill(worker, signal.SIGSTOP)
    except ProcessLookupError:
        pass


def _reap(worker: int) -> int | None:
    """Collect the dead; the worker's exit code if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code


def _sweep(worker: int) -> None:
    """Kill the group and every descendant, until there is none."""
    for _ in range(_ROUNDS):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker, signal.SIGKILL)
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            # Blocks until one more is dead; those it leaves become our children meanwhile.
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    me = os.getpid()
    try:
        return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _prctl(option: int, value: int) -> None:
    # Not Linux: what a worker left behind is found by its process group alone.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
