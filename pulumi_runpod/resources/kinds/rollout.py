"""The gate on a new endpoint, as a separate resource that comes after it: so the endpoint is in the state before
anything is waited for. Nothing of it exists at the service. The gate on later releases is in the endpoint's own update.
"""

# ruff: noqa: ARG002 - every kind takes the same arguments

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pulumi_runpod.resources.api import GateApi
from pulumi_runpod.resources.check import Schema
from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.declaration import NO_DECLARATION, Declaration
from pulumi_runpod.resources.outcome import Checked, Created, Differences, Found, Updated
from pulumi_runpod.resources.rollout_gate import Evidence, Gate, RolloutPolicy
from pulumi_runpod.resources.values import known, normal_object
from pulumi_runpod.wire.model import Integer, JsonObject, Maybe, Request, Text


class RolloutSettings(Request):
    timeout: Maybe[Annotated[Integer, Field(ge=10, le=7200)]] = None
    smoke_input: Any = None


class RolloutInputs(RolloutSettings):
    endpoint_id: Text


class RolloutLifecycle:
    secret_fields: frozenset[str] = frozenset()

    def __init__(self, gate: Gate | None = None) -> None:
        self._gate = gate or Gate()
        self._schema = Schema(RolloutInputs, units={"timeout": "s"})

    def check(self, olds: JsonObject, news: JsonObject) -> Checked:
        inputs = COMPLETIONS["rollout"].complete(normal_object(olds), normal_object(news))
        return Checked(inputs, self._schema.failures(inputs))

    def diff(self, object_id: str, olds: JsonObject, news: JsonObject) -> Differences:
        """Another endpoint is gated anew; other settings count from the next release on."""
        changed = known(news["endpoint_id"]) and news["endpoint_id"] != olds.get("endpoint_id")
        return Differences(("endpoint_id",) if changed else ())

    def create(self, api: GateApi, news: JsonObject, _declaration: Declaration = NO_DECLARATION) -> Created:
        """Raises `Unhealthy`: then the endpoint stays in the state, and the next `up` waits again."""
        news = normal_object(news)
        evidence = self._gate.wait(api, news["endpoint_id"], RolloutPolicy.of(news))
        return Created(
            f"{news['endpoint_id']}/rollout", {**news, "evidence": evidence}, notices(news["endpoint_id"], evidence)
        )

    def read(self, api: GateApi, object_id: str, olds: JsonObject) -> Found:
        olds = normal_object(olds)
        return Found(object_id, olds, {key: value for key, value in olds.items() if key in RolloutInputs.model_fields})

    def update(self, api: GateApi, object_id: str, olds: JsonObject, news: JsonObject) -> Updated:
        return Updated({**normal_object(news), "evidence": olds.get("evidence", "nothing")})

    def delete(self, api: GateApi, object_id: str, olds: JsonObject) -> None:
        """Nothing of it exists."""


def notices(endpoint_id: str, evidence: Evidence) -> tuple[str, ...]:
    """What a person should know of evidence that is none."""
    if evidence != "nothing":
        return ()
    text = f"endpoint {endpoint_id}: workers.min is 0 and no worker runs, so nothing proves that this release works"
    advice = "a queue's rollout takes a smoke_input, for a job after every release; a load balancer needs workers.min 1"
    return (f"{text}: {advice}",)


LIFECYCLE = RolloutLifecycle()
