"""Interrupted operations in a stack's exported state: a create that was cut off becomes the object that it made, or
nothing when it made none.

Works on the deployment of `pulumi stack export`, secrets left encrypted, and changes nothing by itself. An object is
recognised by its automatic name alone, which the engine stored before anything was sent. Where the program chose the
name, the person decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.recovery.state_entries import entry, known_ids, resource_name, with_entry
from pulumi_runpod.resources.tokens import REPEATABLE, lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject, Response

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
        return resource_name(self.urn)


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
        """What becomes of every pending operation on a resource of ours.

        Raises `NotFound` for an id to take that does not exist, `RunPodError` for one that the state holds already.
        """
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
                seen_with = self._api_of(resource).key_digest
                resources = with_entry(resources, entry(resource, lifecycle, found, seen_with=seen_with))
        changed = {**deployment, "resources": resources, "pending_operations": kept}
        return Recovery(changed if told else deployment, told)

    def _judge(
        self, operation: str, resource: JsonObject, lifecycle: Lifecycle, known: Container[str]
    ) -> tuple[Interrupted, Response | None]:
        inputs: JsonObject = resource.get("inputs", {})
        told = partial(Interrupted, resource["urn"], operation, lifecycle.collection.kind)
        declared, name = resource_name(resource["urn"]), inputs.get("name")
        if operation != "creating" or "adopt_id" in inputs:
            # An update, a delete and an adoption are simply done again by the next `up`.
            return told("repeatable"), None
        if declared in self._forget:
            return told("forgotten"), None
        if declared in self._take:
            taken = self._take[declared]
            if taken in known:
                raise RunPodError(f"--take {declared}={taken}: this stack has it already. Nothing was changed")
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
