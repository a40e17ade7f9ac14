"""Inputs as `check` completes them: with a name, and with every default that is compared with the service.

Plain dicts and no models: in an `up` that changes nothing the provider process loads this and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pulumi_runpod.resources.naming import automatic_name
from pulumi_runpod.wire.endpoint_defaults import (
    DEFAULT_IDLE_TIMEOUT_S,
    DEFAULT_MAX_WORKERS,
    DEFAULT_MIN_WORKERS,
    DOCUMENTED_TIMEOUT_MS,
    has_idle_timeout,
)

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

DEFAULT_ROLLOUT_TIMEOUT_S = 600
EXEC_FORM = ("entrypoint", "cmd")
_NONE: Mapping[str, object] = MappingProxyType({})


class Completion:
    """What one kind fills in. With `defaults`, a field that the program leaves out is still compared with the service;
    `clears` are fields whose absence means "none", with the value that tells the service so; `further` adds defaults
    that depend on other inputs.
    """

    def __init__(
        self,
        *,
        defaults: Mapping[str, object] = _NONE,
        clears: Mapping[str, object] = _NONE,
        further: Callable[[JsonObject], JsonObject] | None = None,
    ) -> None:
        self.clears = clears
        self._defaults = defaults
        self._further = further

    def complete(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        """`olds` are the last inputs, {} for a new object. Any value may be wrong, or UNKNOWN."""
        filled = {**self._defaults, **_named(olds, news)}
        inputs = {key: value for key, value in filled.items() if key not in self.clears or value != self.clears[key]}
        return self._further(inputs) if self._further else inputs


def _named(olds: JsonObject, news: JsonObject) -> JsonObject:
    if "name" in news or "adopt_id" in news or "auto_name" not in news:
        return {key: value for key, value in news.items() if key != "auto_name"}
    if olds and "auto_name" not in olds and "name" not in olds:
        # Adopted under the name it had: it keeps that.
        return {key: value for key, value in news.items() if key != "auto_name"}
    name = olds.get("auto_name") or automatic_name(news["auto_name"])
    return {**news, "auto_name": name, "name": name}


def _container(inputs: JsonObject) -> JsonObject:
    """No command, no environment, no ports where none are given: so that those added outside are seen."""
    found: JsonObject = {"env": {}, "ports": [], **inputs}
    if any(key in found for key in EXEC_FORM):
        return {"entrypoint": [], "cmd": [], **found}
    return {"args": "", **found}


def _endpoint(inputs: JsonObject) -> JsonObject:
    found = inputs if "template_id" in inputs else _container(inputs)
    workers, gpu = found.get("workers", {}), found.get("gpu")
    if isinstance(workers, dict):
        found = {**found, "workers": {**_workers(found, workers), **workers}}
    if isinstance(gpu, dict):
        found = {**found, "gpu": _gpu(gpu, from_template="template_id" in found)}
    return found


def _workers(inputs: JsonObject, given: JsonObject) -> JsonObject:
    least = given.get("min", DEFAULT_MIN_WORKERS)
    workers: JsonObject = {
        "min": DEFAULT_MIN_WORKERS,
        "max": max(DEFAULT_MAX_WORKERS, least) if isinstance(least, int) else DEFAULT_MAX_WORKERS,
    }
    scaling = inputs.get("scaling")
    kinds = (inputs.get("type"), scaling.get("type") if isinstance(scaling, dict) else None)
    if all(isinstance(kind, str) for kind in kinds) and has_idle_timeout(*map(str, kinds)):
        workers["idle_timeout"] = DEFAULT_IDLE_TIMEOUT_S
    return workers


def _gpu(gpu: JsonObject, *, from_template: bool) -> JsonObject:
    defaults: JsonObject = {"excluded_types": [], "count": 1}
    given = {key: value for key, value in gpu.items() if (key, value) != ("min_cuda_version", "")}
    if not from_template or "min_cuda_version" in given:
        defaults["allowed_cuda_versions"] = []
    return {**defaults, **given}


_CONTAINER_CLEARS: Mapping[str, object] = MappingProxyType({"registry": None})

COMPLETIONS: Mapping[str, Completion] = MappingProxyType(
    {
        "network_volume": Completion(),
        "template": Completion(
            defaults=MappingProxyType(
                {
                    # This package is about serverless; the service's own default makes templates for pods.
                    "serverless": True,
                    "public": False,
                    "category": "NVIDIA",
                    "start_ssh": True,
                    "start_jupyter": True,
                    "allowed_cuda_versions": [],
                }
            ),
            clears=_CONTAINER_CLEARS,
            further=_container,
        ),
        "endpoint": Completion(
            defaults=MappingProxyType(
                {
                    # Left out, the service has been seen to take 0 instead of what it documents: so it is always sent.
                    "timeout": DOCUMENTED_TIMEOUT_MS,
                    "flashboot": "OFF",
                    "data_center_ids": [],
                    "network_volumes": [],
                }
            ),
            clears=_CONTAINER_CLEARS,
            further=_endpoint,
        ),
        "registry_credential": Completion(),
        "ecr_delegation": Completion(),
        "secret": Completion(clears=MappingProxyType({"description": ""})),
        "rollout": Completion(defaults=MappingProxyType({"timeout": DEFAULT_ROLLOUT_TIMEOUT_S})),
    }
)
"""By module of `kinds`. Model weights have none: what they hold is known from files alone."""
