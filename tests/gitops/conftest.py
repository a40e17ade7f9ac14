"""A stand-in for GitHub, for tests of what is kept there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.browser import playwright as playwright
from tests.gitops.github_server import GitHubServer, github_server
from tests.gitops.team import Team, folder_backend, make_team

ECHO = f"{sys.executable} {Path(__file__).parents[1] / 'client' / 'tiny_worker.py'}"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


@pytest.fixture(scope="module")
def module_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with LocalRunPod(workers={"*": ECHO}) as runpod, github_server() as github:
        directory = tmp_path_factory.mktemp("team")
        home = tmp_path_factory.mktemp("pulumi-home")
        yield make_team(directory, home, folder_backend(directory), runpod, github)


@pytest.fixture
def team(module_team: Team) -> Iterator[Team]:
    """Nothing is asked for yet, nothing goes wrong. Whatever a test leaves of a pull request fails it."""
    before = module_team.left()
    module_team.github.issues.clear()
    module_team.github.comments.clear()
    module_team.github.calls.clear()
    (module_team.directory / "summary.md").unlink(missing_ok=True)
    yield module_team
    module_team.runpod.clear_faults()
    assert module_team.left() == before
