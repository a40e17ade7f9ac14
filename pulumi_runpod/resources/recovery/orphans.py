"""Objects that a project made and none of its states knows: recognised by the marker in their automatic names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_runpod.errors import NotFound
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import KEY_DIGEST
from pulumi_runpod.resources.naming import mark_of, project_marker
from pulumi_runpod.resources.recovery.state_entries import known_ids, pending_names
from pulumi_runpod.resources.tokens import lifecycle_of_kind
from pulumi_runpod.wire.model import JsonObject

# Users before what they use: so that they can be deleted in this order.
_ORDER = ("endpoint", "template", "network_volume", "registry_credential", "ecr_delegation", "secret")


@dataclass(frozen=True)
class Orphan:
    """An object that no state knows."""

    module: str
    """Of `resources.kinds`."""
    kind: str
    id: str
    name: str

    @property
    def holds_data(self) -> bool:
        return self.module == "network_volume"


def orphans_of(api: Api, project: str, deployments: Iterable[JsonObject]) -> list[Orphan]:
    """In an order in which they can be deleted. `deployments`: the states of all stacks of the project."""
    return [orphan for orphan in unknown_to(deployments, api) if made_by(orphan, project)]


def made_by(orphan: Orphan, project: str) -> bool:
    mark = mark_of(orphan.name)
    return mark is not None and mark.project == project_marker(project)


def unknown_to(deployments: Iterable[JsonObject], api: Api) -> list[Orphan]:
    """Everything in the account that these states do not know, whatever made it."""
    states = list(deployments)
    known = {object_id for state in states for object_id in known_ids(state)}
    pending = {name for state in states for name in pending_names(state)}
    found = []
    for module in _ORDER:
        collection = lifecycle_of_kind(module).collection
        try:
            objects = [answer.model_dump() for answer in api.list(collection)]
        except NotFound:
            continue  # a kind that this service does not have yet
        found += [
            Orphan(module, collection.kind, str(result["id"]), str(result["name"]))
            for result in objects
            if result["id"] not in known and result["name"] not in pending
        ]
    return found


def delete(api: Api, orphan: Orphan) -> None:
    """Raises `RunPodError` while something else still uses it."""
    lifecycle_of_kind(orphan.module).delete(api, orphan.id, {KEY_DIGEST: api.key_digest})
