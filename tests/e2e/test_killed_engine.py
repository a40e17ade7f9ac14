"""`kill -9` of the real CLI at any moment: nothing that it started stays."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.killable import BIN, TEMPLATE, VOLUME, Killable
from tests.waiting import eventually

pytestmark = pytest.mark.engine

MARK = "KILLED_ENGINE_TEST"
SEED, ROUNDS = 20, 10
LATEST_KILL_S = 1.2
"""Seconds: by then plugins start, serve or end. A command that was quicker has nothing left to kill."""


@pytest.fixture
def marked(killable: Killable) -> Killable:
    """Every process below it carries a variable that no other has."""
    killable.environ[MARK] = str(killable.directory)
    return killable


def family(project: Killable) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == project.environ[MARK] and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def test_nothing_outlives_a_killed_engine(marked: Killable) -> None:
    """Shell, provider, language host and program, whatever they were at."""
    marked.program(VOLUME.format("") + TEMPLATE)
    chance = random.Random(SEED)
    killed = 0
    for command in chance.choices(("up", "preview", "destroy", "refresh"), k=ROUNDS):
        options = [] if command == "preview" else ["--yes", "--skip-preview"]
        running = subprocess.Popen(
            [BIN / "pulumi", command, *options, "--non-interactive"],
            cwd=marked.directory,
            env=marked.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        killer = threading.Timer(chance.uniform(0.0, LATEST_KILL_S), running.kill)
        killer.start()
        killed += running.wait(60) == -9
        killer.cancel()
        eventually(lambda: not list(family(marked)))
        marked.run("pulumi", "cancel", "--yes")
    assert killed > 0
