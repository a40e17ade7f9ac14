"""Registry credentials: taken, kept, never shown again. Templates lose a deleted one silently."""

from __future__ import annotations

from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject, Request
from pulumi_runpod.wire.registry import REGISTRIES, CreateRegistry
from pulumi_runpod.wire.template import TEMPLATES


class RegistryRules(Rules[CreateRegistry, Request]):
    collection = REGISTRIES

    def create(self, wanted: CreateRegistry) -> tuple[JsonObject, JsonObject]:
        return {"name": wanted.name}, {"username": wanted.username, "password": wanted.password}

    def refuse_delete(self, row: Row) -> None:
        if self.platform.switches.registry_delete == "allow":
            return
        if users := self.store.referring(ENDPOINTS.kind, "registry", row.id):
            raise ProblemError(400, f"registry is in use by endpoint {', '.join(u.id for u in users)}")

    def deleted(self, row: Row) -> None:
        for template in self.store.referring(TEMPLATES.kind, "registry", row.id):
            self.store.update(TEMPLATES.kind, template.id, {**template.body, "registry": None})
