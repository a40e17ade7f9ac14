"""No child outlives the host."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from language_host.children import Children

STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
below = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(os.getpid(), below.pid, flush=True)
signal.pause()
"""


def ended(descriptor: int) -> bool:
    """Waits for a process to end, 20 s at most."""
    return bool(select.select([descriptor], [], [], 20)[0])


def test_a_child_that_ignores_the_signal_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """Its whole session goes."""
    children = Children()
    child = children.start([sys.executable, "-c", STUBBORN], cwd=tmp_path, environ=os.environ, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as out:
        parts = [os.pidfd_open(int(word)) for word in out.readline().split()]
    children.stop_all()
    assert [ended(part) for part in parts] == [True, True]
    for part in parts:
        os.close(part)
    assert child.returncode == -signal.SIGKILL


def test_a_host_that_shuts_down_starts_nothing_new(tmp_path: Path) -> None:
    """Or a program could slip past the end."""
    children = Children()
    children.stop_all()
    with pytest.raises(ProcessLookupError, match="shutting down"):
        children.start(["true"], cwd=tmp_path, environ=os.environ)


def test_a_child_has_a_session_of_its_own_and_nothing_on_stdin(tmp_path: Path) -> None:
    """The engine's SIGINT to the host's group does not reach it."""
    children = Children()
    script = "import os, sys; sys.exit(0 if os.getsid(0) == os.getpid() and not sys.stdin.read() else 1)"
    child = children.start([sys.executable, "-c", script], cwd=tmp_path, environ=os.environ)
    assert children.wait(child) == 0
