"""Interrupted operations in a stack's exported state: a create that was cut off becomes the object that it made, or
nothing when it made none.

Works on the deployment of `pulumi stack export`, secrets left encrypted, and changes nothing by itself. An object is
recognised by its automatic name alone, which the engine stored before anything was sent. Where the program chose the
name, the person decides.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.tokens import REPEATABLE, lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject, Response

_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
_PROVIDER_KEY = "__provider"
# The service may still be at work on what a killed process has sent.
LOOK_AGAIN_S = (0.0, 1.0, 2.0, 4.0, 8.0)

Verdict = Literal["recovered", "never made", "forgotten", "repeatable", "undecided"]


@dataclass(frozen=True)
class Interrupted:
    """One pending operation, what was found, and what becomes of it."""

    urn: str
    operation: str
    kind: str
    verdict: Verdict
    id: str | None = None
    candidates: tuple[str, ...] = ()
    """Undecided: ids of the objects that carry the name."""

    @property
    def name(self) -> str:
        return _resource_name(self.urn)


@dataclass(frozen=True)
class Recovery:
    """`deployment` is what to import; unchanged where nothing was pending, and not to be imported while `undecided`."""

    deployment: JsonObject
    operations: list[Interrupted] = field(default_factory=list)

    @property
    def undecided(self) -> list[Interrupted]:
        return [operation for operation in self.operations if operation.verdict == "undecided"]


class Recoverer:
    """`api_of(resource)` is the client of the account in which a pending resource is made; `take` (resource name -> id)
    and `forget` (resource names) are a person's decisions.
    """

    def __init__(
        self,
        api_of: Callable[[JsonObject], Api],
        *,
        take: Mapping[str, str],
        forget: Container[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api_of, self._take, self._forget, self._sleep = api_of, take, forget, sleep

    def recover(self, deployment: JsonObject) -> Recovery:
        """What becomes of every pending operation on a resource of ours. Raises `NotFound` for an id to take."""
        resources = list(deployment.get("resources") or [])
        known = known_ids(deployment)
        kept: list[JsonObject] = []
        told: list[Interrupted] = []
        for pending in deployment.get("pending_operations") or []:
            resource = pending["resource"]
            if repeatable := REPEATABLE.get(resource.get("type", "")):
                told.append(Interrupted(resource["urn"], pending["type"], repeatable, "repeatable"))
                continue
            lifecycle = lifecycle_of_type(resource.get("type", ""))
            if lifecycle is None:
                kept.append(pending)
                continue
            operation, found = self._judge(pending["type"], resource, lifecycle, known)
            told.append(operation)
            if operation.verdict == "undecided":
                kept.append(pending)
            elif found is not None:
                resources = _with(resources, _as_resource(resource, lifecycle, found))
        changed = {**deployment, "resources": resources, "pending_operations": kept}
        return Recovery(changed if told else deployment, told)

    def _judge(
        self, operation: str, resource: JsonObject, lifecycle: Lifecycle, known: Container[str]
    ) -> tuple[Interrupted, Response | None]:
        inputs: JsonObject = resource.get("inputs", {})
        told = partial(Interrupted, resource["urn"], operation, lifecycle.collection.kind)
        resource_name, name = _resource_name(resource["urn"]), inputs.get("name")
        if operation != "creating" or "adopt_id" in inputs:
            # An update, a delete and an adoption are simply done again by the next `up`.
            return told("repeatable"), None
        if resource_name in self._forget:
            return told("forgotten"), None
        if resource_name in self._take:
            taken = self._take[resource_name]
            return told("recovered", taken), self._api_of(resource).get(lifecycle.collection, taken)
        if not isinstance(name, str):
            return told("undecided"), None  # encrypted
        found = self._look(lifecycle, self._api_of(resource), name, known)
        if not found:
            return told("never made"), None
        if len(found) == 1 and name == inputs.get("auto_name"):
            return told("recovered", next(iter(found))), next(iter(found.values()))
        return told("undecided", candidates=tuple(found)), None

    def _look(self, lifecycle: Lifecycle, api: Api, name: str, known: Container[str]) -> dict[str, Response]:
        for wait in LOOK_AGAIN_S:
            self._sleep(wait)
            namesakes = {str(found.model_dump()["id"]): found for found in lifecycle.namesakes(api, name)}
            found = {object_id: answer for object_id, answer in namesakes.items() if object_id not in known}
            if found:
                return found
        return {}


def known_ids(deployment: JsonObject) -> set[str]:
    """Ids of all objects of ours that a state holds, those that wait to be deleted included."""
    return {
        resource["id"]
        for resource in deployment.get("resources") or []
        if lifecycle_of_type(resource.get("type", "")) is not None and "id" in resource
    }


def pending_names(deployment: JsonObject) -> set[str]:
    """Names in interrupted creates: what carries one is for `recover`, not for `orphans`."""
    names = [p["resource"].get("inputs", {}).get("name") for p in deployment.get("pending_operations") or []]
    return {name for name in names if isinstance(name, str)}


def _as_resource(resource: JsonObject, lifecycle: Lifecycle, found: Response) -> JsonObject:
    """The pending resource as the engine would have recorded it."""
    inputs: JsonObject = resource.get("inputs", {})
    plain = {key: value for key, value in inputs.items() if key != _PROVIDER_KEY}
    created = lifecycle.recorded(found, plain)
    outs = {
        key: _secret(value) if key in lifecycle.secret_fields and not _is_secret(value) else value
        for key, value in created.outs.items()
    }
    return {**resource, "custom": True, "id": created.id, "outputs": {**outs, _PROVIDER_KEY: inputs[_PROVIDER_KEY]}}


def _with(resources: list[JsonObject], new: JsonObject) -> list[JsonObject]:
    """The state with the new resource; one of the same URN was being replaced, and now waits to be deleted."""
    old = [r for r in resources if r["urn"] == new["urn"] and not r.get("delete")]
    if not old:
        return [*resources, new]
    return [*(new if resource is old[0] else resource for resource in resources), {**old[0], "delete": True}]


def _resource_name(urn: str) -> str:
    return urn.rsplit("::", 1)[1]


def _secret(value: object) -> JsonObject:
    """As `pulumi stack import` takes it: it is encrypted on the way in."""
    return {_SIGNATURE: _SECRET, "plaintext": json.dumps(value)}


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET
