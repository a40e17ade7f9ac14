"""Endpoints: what can't be derived from the models. Defaults that depend on other fields, rules across fields, and the
two changes that need a new endpoint: queue to load balancer, and GPU to CPU.
"""

# ruff: noqa: ARG002 - hooks take what some kind needs

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from pulumi_runpod.errors import Failure, RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.kinds.container import (
    container_body,
    container_reality,
    container_rules,
)
from pulumi_runpod.resources.kinds.endpoint_rules import endpoint_catalog_rules, endpoint_rules
from pulumi_runpod.resources.kinds.rollout import RolloutSettings, notices
from pulumi_runpod.resources.lifecycle import ChangeableInputs, Lifecycle
from pulumi_runpod.resources.outcome import Differences, PartialFailure, Updated
from pulumi_runpod.resources.rollout_gate import Gate, RolloutPolicy, Unhealthy
from pulumi_runpod.resources.scale_down import cause_of_scale_down
from pulumi_runpod.resources.values import normal_object
from pulumi_runpod.wire.container import ContainerRequest
from pulumi_runpod.wire.endpoint import (
    ENDPOINTS,
    CreateEndpoint,
    EndpointWorkersRequest,
    UpdateEndpoint,
)
from pulumi_runpod.wire.endpoint_defaults import has_idle_timeout
from pulumi_runpod.wire.model import JsonObject, Maybe

SCALED_DOWN, PLATFORM_MAX = "scaled_down", "platform_max"
"""Outputs: what the platform did, until it is set back; and its own `workers.max`, where that is accepted."""
UNPROVEN = "unproven"
"""Output: a release is out of which it is not known whether it serves."""
RELEASING = frozenset(ContainerRequest.model_fields) | {
    *("gpu", "cpu", "data_center_ids", "network_volumes", "template_id"),
}
"""Fields whose change reaches workers only as they are replaced."""
_ANNOUNCEMENT = "The new endpoint has another id and other request URLs: every client must be changed"


class EndpointInputs(ChangeableInputs, CreateEndpoint):
    rollout: Maybe[RolloutSettings] = None
    platform_scale_down: Maybe[Literal["heal", "accept"]] = None


class EndpointLifecycle(Lifecycle):
    collection = ENDPOINTS
    inputs = EndpointInputs
    completion = COMPLETIONS["endpoint"]
    unordered = frozenset(
        {"data_center_ids", "network_volumes", "ports", "gpu.excluded_types", "gpu.allowed_cuda_versions"}
    )
    units = MappingProxyType(
        {
            "disk": "GB",
            "timeout": "ms",
            "workers.idle_timeout": "s",
            "scaling.queue_delay": "s",
            "rollout.timeout": "s",
        }
    )

    def __init__(self, gate: Gate | None = None) -> None:
        super().__init__()
        self._gate = gate or Gate()

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        return container_rules(olds, inputs) + endpoint_rules(inputs)

    def catalog_rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        return endpoint_catalog_rules(olds, inputs)

    def replacement(self, olds: JsonObject, news: JsonObject) -> Differences:
        replaces = list(super().replacement(olds, news).replaces)
        if ("gpu" in olds and "cpu" in news) or ("cpu" in olds and "gpu" in news):
            replaces += ["cpu", "gpu"]
        if not replaces:
            return Differences(notices=_set_back(self.subject(olds), olds, news))
        return Differences(
            tuple(replaces),
            (f"{self.subject(olds)} is replaced ({' and '.join(replaces)} cannot be changed). {_ANNOUNCEMENT}",),
        )

    def understood(
        self, api: Api, object_id: str, reality: JsonObject, olds: JsonObject
    ) -> tuple[JsonObject, tuple[str, ...]]:
        """Whether the platform has lowered `workers.max`, and what the program wants then."""
        before, now = olds.get("workers", {}).get("max"), reality["workers"]["max"]
        if before is None or now >= before:
            return reality, ()
        accepts = olds.get("platform_scale_down") == "accept"
        accepted = {**reality, "workers": {**reality["workers"], "max": before}, PLATFORM_MAX: now}
        if accepts and olds.get(PLATFORM_MAX) == now:
            return accepted, ()
        cause = cause_of_scale_down(api, object_id, now)
        if cause is None:
            return reality, ()
        text = f"RunPod has lowered workers.max from {before} to {now}, {cause}"
        if accepts:
            return accepted, (f"{self.subject(olds)}: {text}. It is left so",)
        advice = 'The next `pulumi up` sets it back; platform_scale_down="accept" leaves it'
        return {**reality, SCALED_DOWN: text}, (f"{self.subject(olds)}: {text}. {advice}",)

    def update(self, api: Api, object_id: str, olds: JsonObject, news: JsonObject) -> Updated:
        """With `rollout`, a change that makes a release ends when that serves, or is taken back.

        Raises `Unhealthy` after a roll-back: then everything is as before. Raises `PartialFailure` when the new release
        is out and it is not known whether it serves.
        """
        olds, news = normal_object(olds), normal_object(news)
        patch = self.patch(olds, news)
        updated = super().update(api, object_id, olds, news)
        outs = {key: value for key, value in updated.outs.items() if key != UNPROVEN}
        if PLATFORM_MAX in olds and "workers" not in patch:
            outs |= {"workers": olds["workers"], PLATFORM_MAX: olds[PLATFORM_MAX]}
        if "rollout" not in news or not (RELEASING & patch.keys() or UNPROVEN in olds):
            return Updated(outs)
        try:
            evidence = self._gate.wait(api, object_id, RolloutPolicy.of(news["rollout"]))
        except Unhealthy as error:
            raise self._rolled_back(api, object_id, olds, outs, error) from error
        except RunPodError as error:
            raise PartialFailure(
                object_id, {**outs, UNPROVEN: True}, [f"cannot tell whether the release serves: {error}"]
            ) from error
        return Updated(outs, notices(object_id, evidence))

    def _rolled_back(
        self, api: Api, object_id: str, olds: JsonObject, outs: JsonObject, error: Unhealthy
    ) -> RunPodError:
        fields = self.collection.update_fields - self.collection.input_only_fields
        back = self.patch(outs, {key: olds[key] for key in fields if key in olds})
        if not back:
            return error
        try:
            self._send(api, object_id, back)
        except RunPodError as worse:
            return PartialFailure(
                object_id, {**outs, UNPROVEN: True}, [str(error), f"the roll-back failed, too: {worse}"]
            )
        return Unhealthy(f"{error}. Rolled back to the release before")

    def create_body(self, news: JsonObject) -> JsonObject:
        return container_body(super().create_body(news), news)

    def patch(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        changed = container_body(super().patch(olds, news), news)
        if "gpu" in changed:
            # Pools alone would clear the exclusions, and one CUDA constraint does not clear the other.
            changed["gpu"] = {"excluded_types": [], "min_cuda_version": "", **changed["gpu"]}
        return changed

    def reality(self, found: JsonObject) -> JsonObject:
        result = container_reality(found)
        if "cpu" in result:
            result["cpu_memory"] = [choice["memory"] for choice in result["cpu"]]
            result["cpu"] = [{"id": choice["id"], "vcpu_count": choice["vcpu_count"]} for choice in result["cpu"]]
        if not has_idle_timeout(result.get("type", "QUEUE"), result["scaling"]["type"]):
            result["workers"] = {key: value for key, value in result["workers"].items() if key != "idle_timeout"}
        return result

    def same(self, one: object, other: object, path: str) -> bool:
        if path == "name":
            # FlashBoot endpoints were once given this suffix by the service: no reason to rename for ever.
            return one == other or f"{one} -fb" == other
        if path == "gpu" and isinstance(one, dict) and isinstance(other, dict) and "allowed_cuda_versions" not in one:
            # Left to the template.
            other = {key: value for key, value in other.items() if key != "allowed_cuda_versions"}
        return super().same(one, other, path)

    def release(self, api: Api, object_id: str, olds: JsonObject) -> None:
        """An older API refused to delete an endpoint that may still have workers."""
        api.update(self.collection, object_id, UpdateEndpoint.model_validate(_NO_WORKERS, by_name=True))


_NO_WORKERS = {"workers": EndpointWorkersRequest(min=0, max=0)}


def _set_back(subject: str, olds: JsonObject, news: JsonObject) -> tuple[str, ...]:
    """A preview names the cause of what it plans."""
    workers = news.get("workers")
    if SCALED_DOWN in olds and isinstance(workers, dict) and workers.get("max") != olds["workers"]["max"]:
        return (f"{subject}: {olds[SCALED_DOWN]}. It is set back",)
    return ()


LIFECYCLE = EndpointLifecycle()
