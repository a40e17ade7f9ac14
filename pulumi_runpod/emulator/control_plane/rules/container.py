"""Container settings as templates and endpoints share them: defaults, and what a body changes."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.wire.container import ContainerRequest, decode_args, encode_args
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.registry import REGISTRIES

FIELDS = ("image", "args", "entrypoint", "cmd", "disk", "env", "ports", "registry")


def fresh(platform: Platform) -> JsonObject:
    """The settings of a container of which nothing is said. `image` has no default."""
    return {
        "image": "",
        "args": "",
        "entrypoint": [],
        "cmd": [],
        "disk": platform.switches.default_disk_gb,
        "env": {},
        "ports": [],
        "registry": None,
    }


def applied(platform: Platform, current: JsonObject, wanted: ContainerRequest) -> JsonObject:
    """Every container field after `wanted`, which replaces what it sets. Raises ProblemError."""
    said = wanted.model_fields_set
    settings = {name: current[name] for name in FIELDS}
    for name in ("image", "disk", "env", "ports", "registry"):
        if name in said:
            settings[name] = getattr(wanted, name)
    if "args" in said:
        settings["args"] = wanted.args
        settings["entrypoint"], settings["cmd"] = decode_args(wanted.args or "")
    elif said & {"entrypoint", "cmd"}:
        entrypoint = settings["entrypoint"] if wanted.entrypoint is None else wanted.entrypoint
        cmd = settings["cmd"] if wanted.cmd is None else wanted.cmd
        settings |= {"entrypoint": entrypoint, "cmd": cmd, "args": encode_args(entrypoint, cmd)}
    _check_registry(platform, settings["registry"] if "registry" in said else None)
    if "image" in said and any(fnmatchcase(settings["image"], glob) for glob in platform.switches.missing_images):
        raise ProblemError(422, f"image {settings['image']!r} not found in its registry")
    return settings


def _check_registry(platform: Platform, registry: str | None) -> None:
    if registry is not None and platform.store.get(REGISTRIES.kind, registry) is None:
        status = platform.switches.unknown_reference_status
        raise ProblemError(status, f"registry: {REGISTRIES.kind} {registry!r} not found")


def shown(platform: Platform, text: str) -> str:
    """A stored body as the served document has it: the older one knows no command in exec form."""
    if platform.switches.document == "2026-09":
        return text
    body: JsonObject = json.loads(text)
    older = {k: v for k, v in body.items() if k not in ("entrypoint", "cmd")}
    return json.dumps(older, separators=(",", ":"))
