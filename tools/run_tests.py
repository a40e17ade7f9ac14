#!/usr/bin/env python3
"""Runs the tests: `make test`, `make test-quick` and `make test-full`. Arguments that it does not know go to pytest.

The package's tests run on several processes; the worker's tests, which have an environment of their own, run beside
them. Each part runs to its end, whatever the other one does, and the exit status is 0 only if all of them passed. At
the end every process that the tests started is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_QUICK = ("engine", "worker", "docker", "browser", "process", "exhaustive")
"""Marks of the tests that `make test-quick` leaves out. pyproject.toml says what each of them means."""
NO_TESTS_COLLECTED = 5
"""pytest's exit status where a selection is empty."""
PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Part:
    """One run of pytest in one environment."""

    name: str
    command: tuple[str, ...]


def parts(mode: str, pytest_arguments: Sequence[str], workers: int) -> list[Part]:
    """What a mode runs: `quick`, `usual` or `full`.

    A path among the arguments selects the part it belongs to; any other argument goes to all parts.
    """
    paths = [a for a in pytest_arguments if (ROOT / a.partition("::")[0]).exists() and not a.startswith("-")]
    of_worker = [path for path in paths if path.startswith("tests/worker")]
    others = [a for a in pytest_arguments if a not in of_worker]
    chosen = {
        "quick": ["-m", " and ".join(f"not {mark}" for mark in NOT_QUICK)],
        "usual": ["-m", "not exhaustive"],
        "full": ["--hypothesis-profile=full"],
    }[mode]
    parallel = ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"] if workers > 1 else []
    found = []
    if not paths or len(of_worker) < len(paths):
        python = str(ROOT / ".venv" / "bin" / "python")
        measured = ["-m", "coverage", "run"] if os.environ.get("COVERAGE") else []  # `make coverage`
        found.append(Part("package", (python, *measured, "-m", "pytest", *parallel, *chosen, *others)))
    if mode != "quick" and (not paths or of_worker):
        python = str(ROOT / ".venv-worker" / "bin" / "python")
        options = [a for a in pytest_arguments if a not in paths]
        found.append(Part("worker", (python, "-m", "pytest", *(of_worker or ["tests/worker"]), *options)))
    return found


def run(all_parts: Sequence[Part]) -> int:
    """Runs the parts side by side. The output of the first is shown as it comes, the others' after it.

    Returns 0 if all passed; a part that the arguments leave without a test counts only if all parts are so.
    """
    with contextlib.ExitStack() as stack:
        later = []
        for part in all_parts[1:]:
            output = stack.enter_context(tempfile.TemporaryFile("w+"))
            process = subprocess.Popen(part.command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
            later.append((part, process, output))
        statuses = {part.name: subprocess.call(part.command, cwd=ROOT) for part in all_parts[:1]}
        for part, process, output in later:
            statuses[part.name] = process.wait()
            output.seek(0)
            print(f"\n== Tests of the {part.name}", flush=True)
            for line in output:
                sys.stdout.write(line)
    if len(statuses) > 1:
        print("\n" + ", ".join(f"{name}: {_outcome(status)}" for name, status in statuses.items()), flush=True)
    failures = [status for status in statuses.values() if status not in (0, NO_TESTS_COLLECTED)]
    if failures:
        return failures[0] if failures[0] > 0 else 1
    return 0 if 0 in statuses.values() else NO_TESTS_COLLECTED


def _outcome(status: int) -> str:
    return {0: "passed", NO_TESTS_COLLECTED: "no test selected"}.get(status, f"failed (exit status {status})")


def with_nothing_left(work: Callable[[], int]) -> int:
    """The exit status that `work` returns. Every process that it started has ended afterwards.

    Image services that were not running before are stopped; any other process that is left is named and ended.
    """
    before = _image_services()
    # Orphans become children of this process, so that none can hide. It has to reap them at once, as init would: tests
    # look at whether a process is gone. So the work is done in a child.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker = os.fork()
    if worker == 0:
        status = 1
        try:
            status = work()
        except KeyboardInterrupt:
            status = 130
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has sent it to the child, too
    signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGTERM))
    status = _status_of(worker)
    if started := _image_services() - before:
        _images("stop", *sorted(started))
    for pid, command in _end_children():
        print(f"Ended a process that the tests left: {pid} {command}", file=sys.stderr)
    return status


def _status_of(worker: int) -> int:
    """The exit status of that child; others that end meanwhile are reaped."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1


def _image_services() -> set[str]:
    return set(_images("running").split())


def _images(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "tools" / "images.py"), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def children() -> list[tuple[int, str]]:
    """`(pid, command line)` of the children of this process, without those that have ended."""
    found = []
    for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if command:
                found.append((pid, command[:200]))
    return found


def _end_children() -> list[tuple[int, str]]:
    """Ends what is left, with what comes up as an orphan when its parent ends. Returns what it ended."""
    ended: dict[int, str] = {}
    deadline = time.monotonic() + GRACE_SECONDS
    while left := children():
        ended.update(left)
        for pid, _ in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        _reap()
        time.sleep(0.1)
    _reap()
    return sorted(ended.items())


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main(arguments: Sequence[str]) -> int:
    """The exit status of the tests."""
    parser = argparse.ArgumentParser(
        prog="tools/run_tests.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--quick", dest="mode", action="store_const", const="quick", help="without slow tests")
    modes.add_argument("--full", dest="mode", action="store_const", const="full", help="all tests, random cases")
    parser.add_argument("--workers", type=int, default=min(2 * (os.cpu_count() or 1), 12), help="processes of pytest")
    given, pytest_arguments = parser.parse_known_args(arguments)
    selected = parts(given.mode or "usual", pytest_arguments, given.workers)
    if given.mode == "quick":
        return run(selected)
    return with_nothing_left(lambda: run(selected))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
