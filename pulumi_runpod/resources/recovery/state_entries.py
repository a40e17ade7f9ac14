"""Entries of a stack's exported state: which objects it holds, and an object that is there as the engine would have
recorded it. Secrets stay as they are exported; what is added is marked, and encrypted by `pulumi stack import`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, from_schema, to_schema
from pulumi_runpod.resources.tokens import lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject, Response

PROVIDER_KEY = "__provider"
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def resource_name(urn: str) -> str:
    """The last of `urn:pulumi:STACK::PROJECT::TYPE::NAME`, in which colons may stand."""
    return urn.split("::", 3)[-1]


def is_native(resource: JsonObject) -> bool:
    return str(resource.get("type", "")).startswith(NATIVE_PREFIX)


def own_inputs(resource: JsonObject) -> JsonObject:
    """Inputs under our names, whichever provider has recorded them."""
    inputs: JsonObject = resource.get("inputs", {})
    return from_schema(inputs) if is_native(resource) else inputs


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


def entry(resource: JsonObject, lifecycle: Lifecycle, found: Response, *, seen_with: str) -> JsonObject:
    """The resource of an unfinished create, as it is recorded with the object that it has made."""
    inputs = own_inputs(resource)
    plain = {key: value for key, value in inputs.items() if key != PROVIDER_KEY}
    created = lifecycle.recorded(found, plain, seen_with=seen_with)
    outs = {
        key: secret(value) if key in lifecycle.secret_fields and not is_secret(value) else value
        for key, value in created.outs.items()
    }
    recorded = {**resource, "custom": True, "id": created.id}
    if is_native(resource):
        return {**recorded, "inputs": to_schema(inputs), "outputs": to_schema(outs)}
    return {**recorded, "outputs": {**outs, PROVIDER_KEY: inputs[PROVIDER_KEY]}}


def live_entry(resources: Iterable[JsonObject], urn: str) -> JsonObject | None:
    """The entry that holds the object of a declaration. Entries that wait to be deleted are not meant."""
    return next((r for r in resources if r["urn"] == urn and "id" in r and not r.get("delete")), None)


def with_entry(resources: list[JsonObject], new: JsonObject) -> list[JsonObject]:
    """The state with a resource that it lacks. Raises `RunPodError` where the declaration has an object already.

    An object in the state is never exchanged for another one, and never marked for deletion: an update may have
    finished with it since, and it may hold data.
    """
    live = live_entry(resources, new["urn"])
    if live is not None:
        raise RunPodError(
            f"{resource_name(new['urn'])!r} is {live['id']} in the state, and {new['id']} cannot take its place. "
            "Nothing was changed"
        )
    return [*resources, new]


def secret(value: object) -> JsonObject:
    """As `pulumi stack import` takes it: it is encrypted on the way in."""
    return {_SIGNATURE: _SECRET, "plaintext": json.dumps(value)}


def is_secret(value: object) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET
