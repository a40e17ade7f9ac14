"""Account secrets: unique names, values that never come back and reach workers at their next boot."""

from __future__ import annotations

from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.secret import SECRETS, CreateSecret, UpdateSecret


class SecretRules(Rules[CreateSecret, UpdateSecret]):
    collection = SECRETS
    newer = True
    filters = {"name": "name"}  # noqa: RUF012 - declared as ClassVar in the base

    def create(self, wanted: CreateSecret) -> tuple[JsonObject, JsonObject]:
        if any(r.body["name"].lower() == wanted.name.lower() for r in self.store.list(SECRETS.kind)):
            raise ProblemError(409, f"a secret named {wanted.name!r} exists already")
        now = self.platform.clock.timestamp()
        body: JsonObject = {
            "name": wanted.name,
            "description": wanted.description or None,
            "createdAt": now,
            "valueLastUpdatedAt": now,
        }
        return body, {"value": wanted.value}

    def update(self, row: Row, wanted: UpdateSecret) -> tuple[JsonObject, JsonObject | None]:
        body = dict(row.body)
        if wanted.description is not None:
            body["description"] = wanted.description or None
        if wanted.value is None:
            return body, None
        body["valueLastUpdatedAt"] = self.platform.clock.timestamp()
        return body, {**row.private, "value": wanted.value}
