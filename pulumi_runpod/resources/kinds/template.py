"""Templates: container settings under a name. A persistent mount, once set, goes only with the template itself."""

from __future__ import annotations

from types import MappingProxyType

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.kinds.container import (
    container_body,
    container_reality,
    container_rules,
)
from pulumi_runpod.resources.lifecycle import ChangeableInputs, Lifecycle
from pulumi_runpod.resources.outcome import Differences
from pulumi_runpod.resources.unchanged import DECLARED
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.template import TEMPLATES, CreateTemplate


class TemplateInputs(ChangeableInputs, CreateTemplate):
    pass


class TemplateLifecycle(Lifecycle):
    collection = TEMPLATES
    inputs = TemplateInputs
    completion = COMPLETIONS["template"]
    unordered = frozenset({"ports", "allowed_cuda_versions"})
    units = MappingProxyType({"disk": "GB", "mounts.persistent.size": "GB"})

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        return container_rules(olds, inputs)

    def replacement(self, olds: JsonObject, news: JsonObject) -> Differences:
        found = super().replacement(olds, news)
        if "mounts" in olds.get(DECLARED, ()) and "mounts" not in news:
            return Differences((*found.replaces, "mounts"), found.notices)
        return found

    def create_body(self, news: JsonObject) -> JsonObject:
        return container_body(super().create_body(news), news)

    def patch(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        return container_body(super().patch(olds, news), news)

    def reality(self, found: JsonObject) -> JsonObject:
        return container_reality(found)


LIFECYCLE = TemplateLifecycle()
