"""A project's states through the `pulumi` command: export, import, and which stacks there are."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import datetime

import yaml  # type: ignore[import-untyped]  # Pulumi brings it, without stubs

from pulumi_runpod.cli.project import workspace_here
from pulumi_runpod.cli.stack import settings_in
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.deployment import stacks_of
from pulumi_runpod.gitops.workspace import Workspace, project_file
from pulumi_runpod.resources.recovery.unrecorded import FailedUpdate
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

_CREATES = frozenset({"create", "replace"})


@dataclass(frozen=True)
class Replaced:
    """`overwritten`: updates that ended while the state was written, so that what they have recorded may be lost."""

    done: bool
    overwritten: tuple[FailedUpdate, ...] = ()


@dataclass(frozen=True)
class Project:
    workspace: Workspace

    @classmethod
    def here(cls) -> Project:
        return cls(workspace_here())

    @property
    def name(self) -> str:
        """As Pulumi.yaml says. Raises `RunPodError` where it says none."""
        file = project_file(self.workspace.directory)
        document = yaml.safe_load(file.read_text()) if file is not None else None
        if not isinstance(document, dict) or not isinstance(document.get("name"), str):
            raise RunPodError(f"{file or self.workspace.directory}: no project name")
        return str(document["name"])

    def stacks(self) -> list[str]:
        """Names of all stacks of this project in the backend."""
        return [stack.full_name for stack in stacks_of(self.workspace)]

    def export(self, stack: str, *, show_secrets: bool = False) -> JsonObject:
        shown = ["--show-secrets"] if show_secrets else []
        document: JsonObject = json.loads(self.workspace.run("stack", "export", "--stack", stack, *shown))
        return document

    def export_and_failures(self, stack: str) -> tuple[JsonObject, list[FailedUpdate]]:
        """The state, and the updates that have failed since one succeeded."""
        exported, result = self.workspace.run_at_once(
            ("stack", "export", "--stack", stack),
            self._history(stack),
        )
        state: JsonObject = json.loads(exported)
        updates = _updates(result)
        failed = itertools.takewhile(lambda row: row.get("result") == "failed", updates)
        return state, [_failed_update(row) for row in failed]

    def replace(self, stack: str, seen: JsonObject, state: JsonObject) -> Replaced:
        """Import `state`, unless the stack is no longer as it was `seen`. Raises `PulumiFailed`, also for a lock.

        `pulumi stack import` locks the stack, and it compares nothing. So the state is read again right before it. An
        update that ends in the moment between the two shows in the history afterwards.
        """
        exported, before = self.workspace.run_at_once(("stack", "export", "--stack", stack), self._history(stack))
        if json.loads(exported) != seen:
            return Replaced(False)
        self.import_(stack, state)
        known = [row["startTime"] for row in _updates(before)]
        after = _updates(self.workspace.run(*self._history(stack)))
        over = [row for row in after if row["startTime"] not in known]
        return Replaced(True, tuple(_failed_update(row) for row in over))

    @staticmethod
    def _history(stack: str) -> tuple[str, ...]:
        return ("stack", "history", "--json", "--full-dates", "--page-size", "10", "--stack", stack)

    def planned(self, stack: str) -> list[JsonObject]:
        """Resources that `pulumi up` would make, as they would be recorded. Runs the program. Raises `PulumiFailed`."""
        document = json.loads(self.workspace.run("preview", "--json", "--stack", stack))
        return [step["newState"] for step in document.get("steps") or [] if step["op"] in _CREATES]

    def planned_inputs(self, stack: str) -> list[JsonObject]:
        """Resources as `pulumi up` would leave them, whatever it does to them. Raises `PulumiFailed`."""
        plan = json.loads(self.workspace.run("preview", "--json", "--stack", stack))
        return [step["newState"] for step in plan.get("steps") or [] if step.get("newState")]

    def import_(self, stack: str, state: JsonObject) -> None:
        self.workspace.run("stack", "import", "--stack", stack, stdin=json.dumps(state))

    def unlock(self, stack: str) -> None:
        self.workspace.run("cancel", "--stack", stack, "--yes")

    def config(self, stack: str) -> JsonObject:
        """Key -> `{"value": ..., "secret": ...}`, secrets in clear."""
        found: JsonObject = json.loads(
            self.workspace.run("config", "--json", "--show-secrets", "--stack", stack) or "{}"
        )
        return found

    def set_config(self, stack: str, key: str, value: str, *, secret: bool = False) -> None:
        """The value goes over standard input, so that no list of processes shows it."""
        how = "--secret" if secret else "--plaintext"
        self.workspace.run("config", "set", key, how, "--stack", stack, stdin=value)

    def unset_config(self, stack: str, key: str) -> None:
        self.workspace.run("config", "rm", key, "--stack", stack)

    def settings(self, stack: str) -> Settings:
        return settings_in(self.config(stack))


def _updates(text: str) -> list[JsonObject]:
    """The newest first."""
    return [row for row in json.loads(text or "[]") if row.get("kind") == "update"]


def _failed_update(row: JsonObject) -> FailedUpdate:
    return FailedUpdate(_second(row["startTime"]), _second(row["endTime"]))


def _second(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
