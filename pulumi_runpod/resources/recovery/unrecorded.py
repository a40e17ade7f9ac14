"""Creates that the engine has forgotten: their provider died, or could not tell what became of a POST, and the update
failed without a word of them in the state.

An object is what such a create has made when its automatic name tells this project, this stack and a second of an
update that failed, no state knows it, and the program is about to make an object of that kind and resource name. What
is less certain a person decides; nothing is taken by a name that was chosen, which others may have chosen, too.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pulumi_runpod.errors import NotFound, RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.naming import Mark, mark_of
from pulumi_runpod.resources.recovery.orphans import Orphan
from pulumi_runpod.resources.recovery.state_entries import (
    PROVIDER_KEY,
    entry,
    is_secret,
    live_entry,
    own_inputs,
    resource_name,
    secret,
    with_entry,
)
from pulumi_runpod.resources.tokens import lifecycle_of_kind, lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject, Response

_HIDDEN, _UNKNOWN = "[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a preview prints for a secret, and for a value that it cannot know."""
_CLOCKS_DIFFER_S = 30.0
"""Names are made by the clock of a machine; a backend may date updates by its own."""


@dataclass(frozen=True)
class FailedUpdate:
    """Seconds since 1970."""

    began: float
    ended: float

    def covers(self, second: int) -> bool:
        return self.began - _CLOCKS_DIFFER_S <= second <= self.ended + _CLOCKS_DIFFER_S


@dataclass(frozen=True)
class Found:
    """An object, and what becomes of it. `urn`: the declaration that has made it, None for an orphan.

    `namesake`: nothing becomes of it; it is named as the object of `urn` will be.
    """

    kind: str
    id: str
    verdict: Literal["recovered", "orphan", "namesake"]
    urn: str | None = None


@dataclass(frozen=True)
class Taken:
    """`deployment` is what to import: unchanged where nothing is recovered."""

    deployment: JsonObject
    found: list[Found] = field(default_factory=list)


def unrecorded(
    orphans: Iterable[Orphan], failed: Sequence[FailedUpdate], *, project: str, stack: str
) -> list[tuple[Orphan, Mark]]:
    """Those orphans that a failed update of this very stack has made, the newest first."""
    marked = [(orphan, mark) for orphan in orphans if (mark := mark_of(orphan.name)) is not None]
    ours = [
        (orphan, mark)
        for orphan, mark in marked
        if mark.of_stack(project, stack)
        and mark.made_at is not None
        and any(update.covers(mark.made_at) for update in failed)
    ]
    return sorted(ours, key=lambda one: one[1].made_at or 0, reverse=True)


def taken(
    deployment: JsonObject,
    planned: Iterable[JsonObject],
    candidates: Sequence[tuple[Orphan, Mark]],
    api_of: Callable[[JsonObject], Api],
) -> Taken:
    """Each candidate given to the one declaration that lacks its object. `planned`: resources a preview would make."""
    lacking = _recordable(planned, deployment)
    found: list[Found] = []
    for orphan, mark in candidates:
        lifecycle = lifecycle_of_kind(orphan.module)
        kind = lifecycle.collection.kind
        wanting = [r for r in lacking if lifecycle_of_type(r["type"]) is lifecycle and _name(r) == mark.resource_name]
        answer = _object(api_of(wanting[0]), lifecycle, orphan.id) if len(wanting) == 1 else None
        if answer is None:
            found.append(Found(kind, orphan.id, "orphan"))
            continue
        [resource] = wanting
        lacking.remove(resource)
        deployment = _with_object(deployment, resource, lifecycle, answer, api_of(resource))
        found.append(Found(kind, orphan.id, "recovered", resource["urn"]))
    return Taken(deployment, found)


def namesakes(deployment: JsonObject, planned: Iterable[JsonObject], strays: Iterable[Orphan]) -> list[Found]:
    """Objects that no state knows, under a name that the program has chosen for one that the next `up` makes."""
    by_name: dict[tuple[str, str], list[Orphan]] = {}
    for stray in strays:
        by_name.setdefault((stray.kind, stray.name), []).append(stray)
    found = []
    for resource in _recordable(planned, deployment):
        lifecycle, name = lifecycle_of_type(resource["type"]), resource["inputs"].get("name")
        if lifecycle is not None and isinstance(name, str):
            same = by_name.get((lifecycle.collection.kind, name), [])
            found += [Found(stray.kind, stray.id, "namesake", resource["urn"]) for stray in same]
    return found


def taken_as_given(
    deployment: JsonObject,
    planned: Iterable[JsonObject],
    take: Mapping[str, str],
    api_of: Callable[[JsonObject], Api],
    *,
    known: Container[str],
) -> Taken:
    """Objects that a person names (resource name -> id). Raises `RunPodError` where one cannot be had.

    `known`: ids in the states of all stacks of the project; an object in two states would be deleted by either.
    """
    lacking = _recordable(planned, deployment)
    found: list[Found] = []
    for name, object_id in take.items():
        if object_id in known:
            raise RunPodError(f"--take {name}={object_id}: a stack of this project has it already. Nothing was changed")
        wanting = [
            (resource, lifecycle, answer)
            for resource in lacking
            if _name(resource) == name
            and (lifecycle := lifecycle_of_type(resource["type"])) is not None
            and (answer := _object(api_of(resource), lifecycle, object_id)) is not None
        ]
        if len(wanting) != 1:
            raise RunPodError(
                f"--take {name}={object_id}: no create of {name!r} was interrupted, and "
                + ("several resources" if wanting else "no resource")
                + f" of that name would be made by the next `pulumi up` where {object_id} is. Nothing was changed"
            )
        [(resource, lifecycle, answer)] = wanting
        deployment = _with_object(deployment, resource, lifecycle, answer, api_of(resource))
        found.append(Found(lifecycle.collection.kind, object_id, "recovered", resource["urn"]))
    return Taken(deployment, found)


def _recordable(planned: Iterable[JsonObject], deployment: JsonObject) -> list[JsonObject]:
    """Resources that the state lacks, and whose provider and parent it holds: an entry without them is invalid.

    A planned replacement is none of them: the object in the state stays until the engine itself has replaced it.
    """
    resources = deployment.get("resources") or []
    urns = {resource["urn"] for resource in resources}
    references = {f"{resource['urn']}::{resource.get('id')}" for resource in resources}
    return [
        {**resource, "dependencies": [urn for urn in resource.get("dependencies") or [] if urn in urns]}
        for resource in planned
        if lifecycle_of_type(resource["type"]) is not None
        and live_entry(resources, resource["urn"]) is None
        and "adopt_id" not in own_inputs(resource)
        and resource.get("provider") in references
        and resource.get("parent") in urns
    ]


def _with_object(
    deployment: JsonObject, resource: JsonObject, lifecycle: Lifecycle, found: Response, api: Api
) -> JsonObject:
    """Inputs as the preview has them, where it shows them, else as the object is: the next `up` compares them anew.

    What neither tells (a password) may be another one by now: where it cannot be sent again, the next `up` replaces.
    """
    result = lifecycle.recorded(found, {}).outs
    inputs = {}
    for key, planned in own_inputs(resource).items():
        if key in ("name", "auto_name"):
            inputs[key] = result["name"]
        elif key in result:
            inputs[key] = _as_declared(planned, result[key])
        elif key == PROVIDER_KEY or planned not in (_HIDDEN, _UNKNOWN):
            inputs[key] = planned
        elif key in lifecycle.collection.replace_fields:
            inputs[key] = secret("")
    new = entry({**resource, "inputs": inputs}, lifecycle, found, seen_with=api.key_digest)
    return {**deployment, "resources": with_entry(list(deployment.get("resources") or []), new)}


def _as_declared(planned: object, real: object) -> object:
    """What is there, and secret where the program marks it."""
    if planned == _HIDDEN or is_secret(planned):
        return secret(real)
    if isinstance(planned, dict) and isinstance(real, dict):
        return {key: _as_declared(planned.get(key), value) for key, value in real.items()}
    return real


def _object(api: Api, lifecycle: Lifecycle, object_id: str) -> Response | None:
    try:
        return api.get(lifecycle.collection, object_id)
    except NotFound:
        return None


def _name(resource: JsonObject) -> str:
    return resource_name(resource["urn"])
