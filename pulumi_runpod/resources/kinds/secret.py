"""Account secrets. The value goes in and never comes back; a new value reaches workers when they next boot."""

from __future__ import annotations

from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.lifecycle import ChangeableInputs, Lifecycle
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.secret import SECRETS, CreateSecret


class SecretInputs(ChangeableInputs, CreateSecret):
    pass


class SecretLifecycle(Lifecycle):
    collection = SECRETS
    inputs = SecretInputs
    completion = COMPLETIONS["secret"]

    def reality(self, found: JsonObject) -> JsonObject:
        return {**found, "placeholder": f"{{{{ RUNPOD_SECRET_{found['name']} }}}}"}


LIFECYCLE = SecretLifecycle()
