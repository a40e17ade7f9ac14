"""What a Pulumi stack says of its endpoint and of how to reach RunPod, through the `pulumi` command."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pulumi_runpod.cli.project import workspace_here
from pulumi_runpod.client import client_for
from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.gitops.workspace import reason
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX
from pulumi_runpod.resources.tokens import TYPE_PREFIX
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.endpoint import ENDPOINTS, Endpoint
from pulumi_runpod.wire.model import JsonObject

if TYPE_CHECKING:
    from pulumi_runpod.client import RunPodClient

_ENDPOINT_TYPES = frozenset({f"{TYPE_PREFIX}Endpoint", f"{NATIVE_PREFIX}Endpoint"})
OUTPUT = "endpoint_id"
"""The stack output that names the endpoint."""
TIMEOUT_OUTPUT = "endpoint_timeout_seconds"
"""The one that says how long callers are to wait."""

Stack = Annotated[str | None, typer.Option("--stack", "-s", help="Pulumi stack whose endpoint is meant.")]
EndpointId = Annotated[
    str | None,
    typer.Option("--endpoint-id", help="Id of the endpoint; without --stack, reached as RUNPOD_API_KEY says."),
]


@dataclass(frozen=True)
class Target:
    """An endpoint and how to reach it."""

    endpoint_id: str
    settings: Settings
    endpoint_timeout: float | None = None
    """Seconds that callers are to wait for an answer, where the stack asks for it."""

    @property
    def client(self) -> RunPodClient:
        return client_for(self.settings)

    def endpoint(self) -> Endpoint:
        """The endpoint as it is now. Raises `NotFound` when it was deleted."""
        return cast("Endpoint", self.client.get(ENDPOINTS, self.endpoint_id))


def target(stack: str | None, endpoint_id: str | None) -> Target:
    """The endpoint that the options name. Raises `SettingsError` when they name none."""
    if stack is None:
        if endpoint_id is None:
            raise SettingsError("which endpoint? Name a Pulumi stack (--stack dev) or an id (--endpoint-id ...)")
        return Target(endpoint_id, Settings.load())
    result = StackReader(stack)
    return Target(endpoint_id or result.endpoint_id(), result.settings(), result.endpoint_timeout())


def settings_of(stack: str | None) -> Settings:
    """How to reach RunPod: as the stack's configuration says, else as the environment does."""
    return StackReader(stack).settings() if stack else Settings.load()


def endpoint_of_stack(stack: str) -> Endpoint:
    """The deployed endpoint of a stack, as the service knows it."""
    return target(stack, None).endpoint()


class StackReader:
    """Asks `pulumi` for outputs and configuration of one stack, both at once: each call starts a process."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self._workspace = workspace = workspace_here()
        questions = (("stack", "output", "--json"), ("config", "--json", "--show-secrets"))
        asked = [workspace.start(*question, "--stack", stack) for question in questions]
        output = [(process, *process.communicate()) for process in asked]
        self._outputs, self._config = (self._answer(*one) for one in output)

    def endpoint_id(self) -> str:
        found = self._outputs.get(OUTPUT) or self._only_endpoint()
        if not isinstance(found, str):
            raise RunPodError(
                f"stack {self.stack} has no output {OUTPUT!r}: deploy it (`pulumi up --stack {self.stack}`), or let "
                f"the program export it (`pulumi.export({OUTPUT!r}, endpoint.id)`)"
            )
        return found

    def endpoint_timeout(self) -> float | None:
        found = self._outputs.get(TIMEOUT_OUTPUT)
        return float(found) if isinstance(found, int | float) and found > 0 else None

    def settings(self) -> Settings:
        """Raises `SettingsError`."""
        return settings_in(self._config)

    def _only_endpoint(self) -> object:
        """Id of the one endpoint in the state: an update that failed midway leaves endpoints, and no outputs."""
        document = json.loads(self._workspace.run("stack", "export", "--stack", self.stack))
        resources = (document.get("deployment") or {}).get("resources") or []
        ids = [resource.get("id") for resource in resources if resource.get("type") in _ENDPOINT_TYPES]
        return ids[0] if len(ids) == 1 else None

    def _answer(self, process: subprocess.Popen[str], text: str, complaint: str) -> JsonObject:
        if process.returncode:
            raise RunPodError(
                f"pulumi, stack {self.stack} -> {reason(complaint) or 'no reason given'}. "
                f"`pulumi stack ls` in {self._workspace.directory} lists the stacks"
            )
        found = json.loads(text or "{}")
        return found if isinstance(found, dict) else {}


def settings_in(config: JsonObject) -> Settings:
    """How to reach RunPod, as `pulumi config --json --show-secrets` has it. Raises `SettingsError`."""
    return Settings.load({key: str(entry["value"]) for key, entry in config.items() if "value" in entry})
