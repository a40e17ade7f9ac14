"""The project of these tests in its own folder, on the real engine with a file backend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.pulumi_folder import PulumiFolder

KEY = "correct-horse-battery-staple-4711"
"""Of the stacks' configuration, where it is a secret."""


class PulumiProject(PulumiFolder):
    """`environment`: that of every command, the local RunPod's included."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        home = {"PULUMI_HOME": str(base / "home")}
        super().__init__(base, Path(__file__).parent / "project", {**home, **environment})

    def stack(self, name: str, situation: str, *, deployed: bool = True) -> None:
        """A stack in this situation, with the change of the pull request checked out."""
        self.done("stack", "init", name)
        self.done("config", "set", "key", KEY, "--secret", "--stack", name)
        self.done("config", "set", "situation", situation, "--stack", name)
        if deployed:
            self.done("up", "--yes", "--skip-preview", "--stack", name)
        self.done("config", "set", "then", "true", "--stack", name)
