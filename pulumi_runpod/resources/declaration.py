"""The declaration that a create is for, as the engine names it, and the objects that its stack holds.

A provider is given neither: the URN is in the engine's request, and the state is read with `pulumi stack export`. That
starts a process, so it is done only where the answer decides something.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_EXPORT_S = 60.0


@dataclass(frozen=True)
class Declaration:
    """`urn`: `urn:pulumi:STACK::PROJECT::TYPE::NAME`; empty where there is no engine."""

    urn: str = ""

    @property
    def stack(self) -> str:
        return self.urn.removeprefix("urn:pulumi:").partition("::")[0] or "STACK"

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[-1] or "RESOURCE"

    def taking(self, object_id: str) -> str:
        """The command that gives an object to this declaration."""
        return f"`pulumi-runpod recover --stack {self.stack} --take {self.name}={object_id}`"

    def held_ids(self) -> frozenset[str] | None:
        """Ids of the objects in the stack's state, those that wait to be deleted included. None: it cannot be read."""
        deployment = self._deployment()
        if deployment is None:
            return None
        return frozenset(str(one["id"]) for one in deployment.get("resources") or [] if "id" in one)

    def _deployment(self) -> JsonObject | None:
        pulumi = shutil.which("pulumi")
        if pulumi is None or not self.urn:
            return None
        command = [pulumi, "stack", "export", "--stack", self.stack, "--non-interactive"]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=_EXPORT_S
            )
            exported = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
        deployment = exported.get("deployment") if isinstance(exported, dict) else None
        return deployment if isinstance(deployment, dict) else {}


NO_DECLARATION = Declaration()
