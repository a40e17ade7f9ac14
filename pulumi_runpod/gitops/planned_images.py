"""Images that a plan would run, compared with the one that was reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_KINDS = ("Endpoint", "Template")


def other_images(resources: Iterable[Mapping[str, Any]], image: str) -> dict[str, str]:
    """Image by resource name, of endpoints and templates that declare another digest than that of `image`.

    An image that a preview does not know yet (an output of another resource) is left out: its source is in the plan.
    """
    digest = image.partition("@")[2]
    found = {}
    for resource in resources:
        declared = resource.get("inputs", {}).get("image")
        kind = str(resource.get("type", "")).rpartition(":")[2]
        if kind in _KINDS and "/" in str(declared) and str(declared).partition("@")[2] != digest:
            found[str(resource["urn"]).rpartition("::")[2]] = str(declared)
    return found
