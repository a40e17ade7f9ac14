"""The public template catalog: a few invented entries of each source, for pods and for endpoints, readable by id."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pulumi_runpod.wire.model import JsonObject

SOURCES = ("official", "verified", "community")


def _entry(template_id: str, name: str, image: str, *, serverless: bool, category: str = "NVIDIA") -> JsonObject:
    return {
        "id": template_id,
        "name": name,
        "image": image,
        "args": "",
        "entrypoint": [],
        "cmd": [],
        "disk": 20 if serverless else 50,
        "env": {},
        "ports": [] if serverless else ["8888/http", "22/tcp"],
        "registry": None,
        "mounts": {},
        "serverless": serverless,
        "public": True,
        "category": category,
        "startSsh": not serverless,
        "startJupyter": not serverless,
        "allowedCudaVersions": [],
    }


_BY_SOURCE: Mapping[str, list[JsonObject]] = {
    "official": [
        _entry("pubofficial1", "PyTorch", "registry.example.com/official/pytorch:2.8", serverless=False),
        _entry("pubofficial2", "Queue worker", "registry.example.com/official/worker:1.0", serverless=True),
        _entry(
            "pubofficial3", "Ubuntu", "registry.example.com/official/ubuntu:24.04", serverless=False, category="CPU"
        ),
    ],
    "verified": [_entry("pubverified1", "Diffusion", "registry.example.com/verified/sdxl:1.0", serverless=True)],
    "community": [_entry("pubcommunity1", "Notebook", "registry.example.com/community/notebook:3", serverless=False)],
}
PUBLIC_TEMPLATES: Mapping[str, str] = {
    entry["id"]: json.dumps(entry) for entries in _BY_SOURCE.values() for entry in entries
}
"""JSON text by id."""


def public_templates(source: str) -> list[JsonObject]:
    """Raises KeyError for a source that is not in `SOURCES`."""
    return _BY_SOURCE[source]
