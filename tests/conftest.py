"""What tests of several rooms need."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# `ci` is what `make test` runs: the same cases each time, so that a run fails for a change and for nothing else. `full`
# draws new ones each time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("full", deadline=None, print_blob=True)
settings.load_profile("ci")

ONE_WORKER = {
    "tests/emulator/job_plane/containers/": "Docker engine",
    "tests/e2e/images/": "builder and registry",
    "tests/e2e/test_make.py": "all cores, for torch",
    "tests/e2e/test_team.py": "all cores, for torch",
}
"""Tests that share something: one process runs each group. Any other module is a group by itself."""

MARKS = {
    "tests/e2e/": "engine",
    "tests/e2e/images/": "docker",
    "tests/emulator/job_plane/containers/": "docker",
    "tests/cli/test_emulator": "process",
    "tests/client/test_import.py": "process",
    "tests/client/test_jobs.py": "process",
    "tests/conformance/": "process",
    "tests/emulator/console/": "process",
    "tests/emulator/job_plane/load_balancer/": "process",
    "tests/emulator/job_plane/test_fleet_routes.py": "process",
    "tests/emulator/job_plane/test_job_": "process",
    "tests/emulator/job_plane/test_restart.py": "process",
    "tests/emulator/job_plane/test_webhooks.py": "process",
    "tests/emulator/job_plane/test_worker": "process",
    "tests/emulator/process/": "process",
    "tests/gitops/test_document.py": "process",
    "tests/gitops/test_workflows.py": "process",
    "tests/resources/test_stored_classes.py": "process",
    "tests/tools/": "process",
}
"""Start of a path -> mark. A test that needs something more than its module carries the mark itself."""
FIXTURE_MARKS = {"chromium": "browser", "pulumi_command": "engine", "pulumi_program": "engine", "deployed": "engine"}
SLOW = ("docker", "worker", "engine", "browser", "process")
"""Marks that `make test-quick` leaves out, in the order in which processes take the modules up."""


def group_of(nodeid: str) -> str:
    """The group of a test that several processes run: what it shares, or else its module."""
    module = nodeid.partition("::")[0]
    return next((group for start, group in ONE_WORKER.items() if module.startswith(start)), module)


@pytest.hookimpl(optionalhook=True)  # a hook of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups stay together: fixtures of a module are made once, and a group is on one process at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by what they need. Several processes begin with the modules that take longest."""
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        for start, mark in MARKS.items():
            if path.startswith(start):
                item.add_marker(mark)
        for fixture, mark in FIXTURE_MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist
        items.sort(key=lambda item: min((SLOW.index(m.name) for m in item.iter_markers() if m.name in SLOW), default=9))


@pytest.fixture(scope="session")
def copy_project() -> Callable[[Path], None]:
    """`copy_project(folder)`: the files that a clone of this tree would hold, uncommitted changes included."""

    def copy(folder: Path) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    return copy


@pytest.fixture(scope="session")
def mock_loop() -> asyncio.AbstractEventLoop:
    """One for all tests: what a program under mocks registers may still be under way when the next one begins."""
    return asyncio.new_event_loop()
