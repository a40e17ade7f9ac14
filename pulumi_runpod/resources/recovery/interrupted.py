"""Interrupted operations in a stack's exported state: a create that was cut off becomes the object that it made, or
nothing when it made none.

Works on the deployment of `pulumi stack export`, secrets left encrypted, and changes nothing by itself. An object is
recognised by its automatic name alone, which the engine stored before anything was sent. Where the program chose the
name, the person decides.

An object that the state holds stays what it is. An update may have finished since the interruption and have made
another object for the declaration, which is in use by now: then the one of the interrupted create is the orphan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.naming import mark_of
from pulumi_runpod.resources.recovery.account import standing_of
from pulumi_runpod.resources.recovery.state_entries import (
    entry,
    known_ids,
    live_entry,
    own_inputs,
    resource_name,
    with_entry,
)
from pulumi_runpod.resources.tokens import REPEATABLE, lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject, Response

# The service may still be at work on what a killed process has sent.
LOOK_AGAIN_S = (0.0, 1.0, 2.0, 4.0, 8.0)

Verdict = Literal[
    "recovered",
    "recorded",
    "orphan",
    "superseded",
    "never made",
    "forgotten",
    "repeatable",
    "undecided",
    # Nothing is there, and the state does not prove, or it disproves, that this is the account.
    "unproven",
    "another account",
]
KEPT: Final[frozenset[Verdict]] = frozenset({"undecided", "unproven", "another account"})
"""Their pending operation stays in the state."""
NEEDS_DECISION: Final[frozenset[Verdict]] = frozenset({"undecided", "another account"})
"""A person has to say what is true."""


@dataclass(frozen=True)
class Interrupted:
    """One pending operation, what was found, and what becomes of it."""

    urn: str
    operation: str
    kind: str
    verdict: Verdict
    id: str | None = None
    """Of the object that the create has made: `recovered` is in the state from now on, `recorded` was before, and an
    `orphan` is in no state."""
    candidates: tuple[str, ...] = ()
    """Ids of the objects that carry a chosen name, and that this stack does not hold."""
    instead: str | None = None
    """Id of the object that a later update has made for the declaration. It stays."""

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
        return [operation for operation in self.operations if operation.verdict in NEEDS_DECISION]


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

        Raises `NotFound` for an id to take that does not exist, `RunPodError` for one that cannot be taken.
        """
        resources = list(deployment.get("resources") or [])
        pending_operations = deployment.get("pending_operations") or []
        proven: set[object] = set()
        operations: dict[int, Interrupted] = {}
        # The newest first: of several creates of one declaration, the last one is what its program was then.
        for index, pending in sorted(enumerate(pending_operations), key=_made_at, reverse=True):
            resource = pending["resource"]
            if repeatable := REPEATABLE.get(resource.get("type", "")):
                operations[index] = Interrupted(resource["urn"], pending["type"], repeatable, "repeatable")
                continue
            lifecycle = lifecycle_of_type(resource.get("type", ""))
            if lifecycle is None:
                continue
            operation, found = self._judge(pending["type"], resource, lifecycle, resources)
            operations[index] = operation
            if operation.verdict == "recovered" and found is not None:
                seen_with = self._api_of(resource).key_digest
                resources = with_entry(resources, entry(resource, lifecycle, found, seen_with=seen_with))
                proven.add(resource.get("provider"))
        for index, operation in operations.items():
            if operation.verdict == "unproven" and proven:
                # What was found for the same provider proves its account. For another one a person decides: an import
                # removes every pending operation, so that none can be kept beside an object that is written.
                here = pending_operations[index]["resource"].get("provider") in proven
                operations[index] = replace(operation, verdict="never made" if here else "undecided")
        ordered = [operations[index] for index in sorted(operations)]
        if not operations or any(operation.verdict in KEPT for operation in ordered):
            return Recovery(deployment, ordered)
        kept = [pending for index, pending in enumerate(pending_operations) if index not in operations]
        return Recovery({**deployment, "resources": resources, "pending_operations": kept}, ordered)

    def _judge(
        self, operation: str, resource: JsonObject, lifecycle: Lifecycle, resources: list[JsonObject]
    ) -> tuple[Interrupted, Response | None]:
        inputs = own_inputs(resource)
        live = live_entry(resources, resource["urn"])
        judged = partial(
            Interrupted, resource["urn"], operation, lifecycle.collection.kind, instead=live["id"] if live else None
        )
        declared, name = resource_name(resource["urn"]), inputs.get("name")
        known = known_ids({"resources": resources})
        if operation != "creating" or "adopt_id" in inputs:
            # An update, a delete and an adoption are simply done again by the next `up`.
            return judged("repeatable"), None
        if declared in self._forget:
            return judged("forgotten"), None
        if declared in self._take:
            return judged("recovered", self._take[declared]), self._taken(resource, lifecycle, live, known)
        if not isinstance(name, str):  # encrypted
            return judged("superseded" if live else "undecided"), None
        automatic = name == inputs.get("auto_name")
        found = self._look(lifecycle, self._api_of(resource), name, hidden=frozenset() if automatic else known)
        if automatic and found.keys() & known:
            return judged("recorded", next(iter(found.keys() & known))), None
        strays = {object_id: answer for object_id, answer in found.items() if object_id not in known}
        if not strays:
            standing = standing_of(self._api_of(resource), resource, resources)
            return judged("never made" if standing == "proven" else standing), None
        if automatic and len(strays) == 1:
            [(object_id, answer)] = strays.items()
            return judged("orphan" if live else "recovered", object_id), answer
        # Under a chosen name: where the declaration has an object by now, there is nothing left to decide.
        return judged("superseded" if live else "undecided", candidates=tuple(strays)), None

    def _taken(
        self, resource: JsonObject, lifecycle: Lifecycle, live: JsonObject | None, known: Container[str]
    ) -> Response:
        """The object that a person names."""
        declared = resource_name(resource["urn"])
        taken = self._take[declared]
        if taken in known:
            raise RunPodError(f"--take {declared}={taken}: this stack has it already. Nothing was changed")
        if live is not None:
            raise RunPodError(
                f"--take {declared}={taken}: the stack holds {live['id']} for {declared!r}, which an update has made "
                f"since. Use `--forget {declared}`. To exchange the two, take that one out of the state first "
                f"(`pulumi state delete {resource['urn']}`). Nothing was changed"
            )
        return self._api_of(resource).get(lifecycle.collection, taken)

    def _look(self, lifecycle: Lifecycle, api: Api, name: str, *, hidden: Container[str]) -> dict[str, Response]:
        """Objects of that name by id, without the hidden ones. Looks again for a while where there is none."""
        for wait in LOOK_AGAIN_S:
            self._sleep(wait)
            namesakes = {str(answer.model_dump()["id"]): answer for answer in lifecycle.namesakes(api, name)}
            found = {object_id: answer for object_id, answer in namesakes.items() if object_id not in hidden}
            if found:
                return found
        return {}


def _made_at(numbered: tuple[int, JsonObject]) -> int:
    name = numbered[1]["resource"].get("inputs", {}).get("name")
    mark = mark_of(name) if isinstance(name, str) else None
    return (mark.made_at if mark else None) or 0
