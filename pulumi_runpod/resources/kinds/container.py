"""Container settings, alike for templates and endpoints.

A command has three forms: `args`, or `entrypoint` and `cmd`. The service encodes the latter into `args`, and only newer
servers take them as fields of their own: so `args` alone is sent, which every server understands.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.values import known
from pulumi_runpod.wire.container import decode_args, encode_args, port_mistake
from pulumi_runpod.wire.model import JsonObject

CLEARS: Mapping[str, object] = MappingProxyType({"registry": None})
_EXEC_FORM = ("entrypoint", "cmd")


def container_defaults(inputs: JsonObject) -> JsonObject:
    """No command, no environment, no ports where none are given: so that those added outside are seen."""
    found: JsonObject = {"env": {}, "ports": [], **inputs}
    if any(key in found for key in _EXEC_FORM):
        return {"entrypoint": [], "cmd": [], **found}
    return {"args": "", **found}


def container_rules(inputs: JsonObject) -> list[Failure]:
    ports, args = inputs.get("ports"), inputs.get("args")
    strings = [(i, port) for i, port in enumerate(ports) if isinstance(port, str)] if isinstance(ports, list) else []
    found = [Failure(f"ports[{i}]", mistake) for i, port in strings if (mistake := port_mistake(port))]
    command = [inputs.get(key, []) for key in _EXEC_FORM]
    twice = isinstance(args, str) and any(key in inputs for key in _EXEC_FORM)
    if twice and known(command) and list(decode_args(str(args))) != command:
        found.append(Failure("args", "describes another command than entrypoint and cmd: give one of the two forms"))
    return found


def container_body(body: JsonObject, news: JsonObject) -> JsonObject:
    """A create or update body with the command as the service takes it."""
    if not any(key in body for key in _EXEC_FORM):
        return body
    sent = {key: value for key, value in body.items() if key not in _EXEC_FORM}
    return {"args": encode_args(news.get("entrypoint", []), news.get("cmd", [])), **sent}


def container_reality(found: JsonObject) -> JsonObject:
    """The answer with the command in both forms; older servers return `args` alone."""
    if "args" not in found:
        return found
    return {**dict(zip(_EXEC_FORM, decode_args(found["args"]), strict=True)), **found}
