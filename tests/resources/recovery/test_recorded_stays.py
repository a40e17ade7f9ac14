"""Sequences of kill, cancel, up, recover, deploy and `--target-replace`: what a finished `up` has recorded is kept.

The engine is a model of what it does to a state; recovery is the real one. Only the program and `--target-replace` may
end an object.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import cast

import pytest

from pulumi_runpod.errors import NotFound
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.naming import prefix, stack_marker
from pulumi_runpod.resources.recovery.interrupted import Recoverer
from pulumi_runpod.resources.recovery.orphans import Orphan
from pulumi_runpod.resources.recovery.state_entries import known_ids, live_entry
from pulumi_runpod.resources.recovery.unrecorded import FailedUpdate, taken, unrecorded
from pulumi_runpod.wire.model import Collection, JsonObject
from pulumi_runpod.wire.network_volume import NetworkVolume

KIND = "pulumi-python:dynamic/runpod:NetworkVolume"
STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:pulumi-python::default"
BASE: list[JsonObject] = [
    {"urn": STACK, "type": "pulumi:pulumi:Stack"},
    {"urn": PROVIDER, "type": "pulumi:providers:pulumi-python", "id": "8a3e"},
]
ALWAYS = FailedUpdate(0.0, float(1 << 40))
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
STEPS = 30


class Service:
    """Volumes of an account."""

    key_digest = "digest"

    def __init__(self) -> None:
        self.volumes: dict[str, str] = {}
        self._numbers = itertools.count()

    def make(self, name: str) -> str:
        object_id = f"vol{next(self._numbers)}"
        self.volumes[object_id] = name
        return object_id

    def get(self, _collection: Collection, object_id: str) -> NetworkVolume:
        if object_id not in self.volumes:
            raise NotFound(404, "GET", object_id, _Gone())
        return self._volume(object_id)

    def list(self, _collection: Collection) -> list[NetworkVolume]:
        return [self._volume(object_id) for object_id in self.volumes]

    def _volume(self, object_id: str) -> NetworkVolume:
        fields = {"id": object_id, "name": self.volumes[object_id], "size": 10, "dataCenter": "EU-RO-1"}
        return NetworkVolume.model_validate({**fields, "type": "STANDARD"})


class _Gone:
    title, detail = "Not Found", ""
    errors: tuple[str, ...] = ()


@dataclass
class Model:
    """A stack whose program declares volumes, and the engine that runs it."""

    chance: random.Random
    service: Service = field(default_factory=Service)
    declared: set[str] = field(default_factory=lambda: {"weights", "cache"})
    resources: list[JsonObject] = field(default_factory=list)
    pending: list[JsonObject] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    """Names of objects that the service makes later: nobody waits for them any more."""
    kept: set[str] = field(default_factory=set)
    """Ids that a finished `up` has recorded, and that neither program nor person has given up."""
    failed: bool = False
    second: int = 0
    recovered: int = 0

    # What a person, a program or a fault does.

    def up(self) -> None:
        for name in sorted(self.declared):
            if live_entry(self.resources, urn(name)) is None:
                self.resources.append(self._created(name))
        self._finish()

    def target_replace(self) -> None:
        """Finishes: the old object is given up by a person."""
        name = self.chance.choice(sorted(self.declared) or ["weights"])
        old = live_entry(self.resources, urn(name))
        if old is not None:
            self.kept.discard(old["id"])
            self._replace_entry(old, name)
        self.up()

    def kill(self) -> None:
        """The CLI dies during a create; a pending operation stays, and the object may be made, now, later or never."""
        for name in sorted(self.declared):
            if live_entry(self.resources, urn(name)) is None:
                self._interrupt(name)
                return

    def kill_target_replace(self) -> None:
        self._interrupt(self.chance.choice(sorted(self.declared) or ["weights"]))

    def lose_provider(self) -> None:
        """The create fails, and the state has no word of what it has made."""
        for name in sorted(self.declared):
            if live_entry(self.resources, urn(name)) is None:
                self.service.make(self._name(name))
                self.failed = True
                return

    def service_goes_on(self) -> None:
        while self.in_flight:
            self.service.make(self.in_flight.pop())

    def edit_program(self) -> None:
        name = self.chance.choice(["weights", "cache"])
        self.declared ^= {name}

    def recover(self) -> None:
        state = {"resources": [*BASE, *self.resources], "pending_operations": self.pending}
        recovery = Recoverer(lambda _: self._api, take={}, sleep=lambda _: None).recover(state)
        deployment = recovery.deployment
        if recovery.undecided:
            return
        if self.failed:
            known = known_ids(deployment)
            strays = [
                Orphan("network_volume", "network volume", object_id, name)
                for object_id, name in self.service.volumes.items()
                if object_id not in known
            ]
            lost = unrecorded(strays, [ALWAYS], project="shop", stack="dev")
            planned = [resource(name, self._name(name)) for name in sorted(self.declared)]
            deployment = taken(deployment, planned, lost, lambda _: self._api).deployment
        found = [r for r in deployment["resources"] if r["type"] == KIND]
        self.recovered += len(found) - len(self.resources)
        self.resources = found
        self.pending = list(deployment["pending_operations"])

    def deploy(self) -> None:
        self.recover()
        self.up()

    # The engine.

    @property
    def _api(self) -> Api:
        return cast("Api", self.service)

    def _name(self, name: str) -> str:
        self.second += 1
        digits = "".join(DIGITS[self.second // len(DIGITS) ** place % len(DIGITS)] for place in range(6, -1, -1))
        return f"{prefix(name, stack_marker('shop', 'dev'))}-{digits}aaaaa"

    def _created(self, name: str) -> JsonObject:
        automatic = self._name(name)
        return resource(name, automatic, object_id=self.service.make(automatic))

    def _replace_entry(self, old: JsonObject, name: str) -> None:
        self.resources = [{**r, "delete": True} if r is old else r for r in self.resources]
        self.resources.append(self._created(name))

    def _interrupt(self, name: str) -> None:
        automatic = self._name(name)
        self.pending.append({"type": "creating", "resource": resource(name, automatic)})
        fate = self.chance.choice(["made", "later", "never"])
        if fate == "made":
            self.service.make(automatic)
        elif fate == "later":
            self.in_flight.append(automatic)

    def _finish(self) -> None:
        """Deletes what waits for it (protected or not) and what the program has dropped."""
        wanted = {urn(name) for name in self.declared}
        for entry in list(self.resources):
            if entry.get("delete") or entry["urn"] not in wanted:
                self.service.volumes.pop(entry["id"], None)
                self.resources.remove(entry)
                if entry["urn"] not in wanted:
                    self.kept.discard(entry["id"])
        self.kept |= {entry["id"] for entry in self.resources}
        self.failed = False


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::{KIND}::{name}"


def resource(name: str, automatic: str, *, object_id: str | None = None) -> JsonObject:
    inputs = {"__provider": "gASV", "name": automatic, "auto_name": automatic, "size": 10, "data_center": "EU-RO-1"}
    held = {"id": object_id, "outputs": inputs} if object_id else {}
    return {"urn": urn(name), "type": KIND, "parent": STACK, "provider": f"{PROVIDER}::8a3e", "inputs": inputs, **held}


OPERATIONS = (
    "up",
    "target_replace",
    "kill",
    "kill_target_replace",
    "lose_provider",
    "service_goes_on",
    "edit_program",
    "recover",
    "deploy",
)


@pytest.mark.parametrize("first_seed", range(0, 200, 50))
def test_no_object_that_a_finished_up_has_recorded_is_lost(first_seed: int) -> None:
    """Every object of `kept` exists and is in the state, after each step of 200 random sequences."""
    recovered = 0
    for seed in range(first_seed, first_seed + 50):
        model, steps = Model(random.Random(seed)), []
        for _ in range(STEPS):
            steps.append(model.chance.choice(OPERATIONS))
            getattr(model, steps[-1])()
            held = {entry["id"] for entry in model.resources if not entry.get("delete")}
            assert model.kept <= model.service.volumes.keys(), (seed, steps)
            assert model.kept <= held, (seed, steps)
        recovered += model.recovered
    assert recovered > 10  # the sequences do recover objects
