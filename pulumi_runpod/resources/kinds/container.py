"""Container settings, alike for templates and endpoints.

A command has three forms: `args`, or `entrypoint` and `cmd`. The service encodes the latter into `args`, and only newer
servers take them as fields of their own: so `args` alone is sent, which every server understands.
"""

from __future__ import annotations

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.completion import EXEC_FORM
from pulumi_runpod.resources.values import known
from pulumi_runpod.wire.container import decode_args, encode_args, port_mistake
from pulumi_runpod.wire.image import image_mistake
from pulumi_runpod.wire.model import JsonObject


def container_rules(olds: JsonObject, inputs: JsonObject) -> list[Failure]:
    """An image that is in the last inputs already is not judged again: it was read from the service, or runs."""
    ports, args = inputs.get("ports"), inputs.get("args")
    strings = [(i, port) for i, port in enumerate(ports) if isinstance(port, str)] if isinstance(ports, list) else []
    found = [Failure("image", "must not be empty")] if inputs.get("image") == "" else []
    image = inputs.get("image")
    if isinstance(image, str) and image and image != olds.get("image") and (wrong := image_mistake(image)):
        found.append(Failure("image", f"{image!r} {wrong}"))
    found += [Failure(f"ports[{i}]", mistake) for i, port in strings if (mistake := port_mistake(port))]
    command = [inputs.get(key, []) for key in EXEC_FORM]
    twice = isinstance(args, str) and any(key in inputs for key in EXEC_FORM)
    if twice and known(command) and list(decode_args(str(args))) != command:
        found.append(Failure("args", "describes another command than entrypoint and cmd: give one of the two forms"))
    return found


def container_body(body: JsonObject, news: JsonObject) -> JsonObject:
    """A create or update body with the command as the service takes it."""
    if not any(key in body for key in EXEC_FORM):
        return body
    sent = {key: value for key, value in body.items() if key not in EXEC_FORM}
    return {"args": encode_args(news.get("entrypoint", []), news.get("cmd", [])), **sent}


def container_reality(found: JsonObject) -> JsonObject:
    """The answer with the command in both forms; older servers return `args` alone."""
    if "args" not in found:
        return found
    return {**dict(zip(EXEC_FORM, decode_args(found["args"]), strict=True)), **found}
