"""Whether an account is the one in which a stack has its objects: only there "nothing of it exists" means anything."""

from __future__ import annotations

from typing import Literal

from pulumi_runpod.errors import NotFound
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import KEY_DIGEST
from pulumi_runpod.resources.tokens import lifecycle_of_type
from pulumi_runpod.wire.model import JsonObject

Standing = Literal["proven", "unproven", "another account"]


def standing_of(api: Api, resource: JsonObject, resources: list[JsonObject]) -> Standing:
    """Judged by what the state holds for the provider of `resource`.

    Proven: all of it was last seen with this key and URL, or one object that another key has seen is here (the key was
    renewed). Unproven: the state holds nothing. Otherwise the key or the URL is another account's.
    """
    held = [
        one
        for one in resources
        if one.get("provider") == resource.get("provider") and "id" in one and lifecycle_of_type(one.get("type", ""))
    ]
    others = [one for one in held if one.get("outputs", {}).get(KEY_DIGEST) != api.key_digest]
    if not held:
        return "unproven"
    return "another account" if others and not any(_exists(api, one) for one in others) else "proven"


def _exists(api: Api, resource: JsonObject) -> bool:
    lifecycle = lifecycle_of_type(resource["type"])
    assert lifecycle is not None
    try:
        api.get(lifecycle.collection, resource["id"])
    except NotFound:
        return False
    return True
