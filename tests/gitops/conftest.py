"""A stand-in for GitHub, for tests of what is kept there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gitops.github_server import GitHubServer, github_server


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server
