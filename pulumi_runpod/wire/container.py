"""Container settings of templates and endpoints: the document's `ContainerConfig`, plus `entrypoint` and `cmd`.

`entrypoint` and `cmd` are newer than the stored document: the service encodes them into `args` and returns all three.
"""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import Field, StringConstraints

from pulumi_runpod.wire.model import INTEGRAL, Maybe, Request, Response, Violation

_PORT = re.compile(r"^(\d{1,5})/(http|tcp)$")

CudaVersion = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+$")]


class ContainerRequest(Request):
    image: Maybe[str] = None
    args: Maybe[str] = None
    """Docker CMD as one string, or JSON text `{"entrypoint": [...], "cmd": [...]}`. Empty clears."""
    entrypoint: Maybe[list[str]] = None
    cmd: Maybe[list[str]] = None
    disk: Maybe[Annotated[int, Field(ge=1), INTEGRAL]] = None
    """Container disk, GB. Gone with the worker."""
    env: Maybe[dict[str, str]] = None
    """The whole map: an update replaces it."""
    ports: Maybe[list[str]] = None
    """`"8000/http"` or `"22/tcp"`."""
    registry: str | None = None
    """Id of a registry credential; null takes it away."""

    def violations(self) -> list[Violation]:
        found = []
        if self.args and (self.entrypoint is not None or self.cmd is not None):
            result = decode_args(self.args)
            wanted = (self.entrypoint or [], self.cmd or [])
            if result != wanted:
                found.append(Violation(("args",), "describes another command than entrypoint and cmd: give one"))
        return found


class ContainerResponse(Response):
    image: str | None = None
    args: str | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    disk: int | None = None
    env: dict[str, str] | None = None
    ports: list[str] | None = None
    registry: str | None = None


def encode_args(entrypoint: list[str], cmd: list[str]) -> str:
    """The `args` text for a command in exec form; empty when there is none."""
    if not entrypoint and not cmd:
        return ""
    return json.dumps({"entrypoint": entrypoint, "cmd": cmd}, separators=(",", ":"))


def decode_args(args: str) -> tuple[list[str], list[str]]:
    """`(entrypoint, cmd)` of an `args` text. A raw command string is one shell-like string, split at blanks."""
    if not args:
        return [], []
    try:
        document = json.loads(args)
    except ValueError:
        document = None
    if isinstance(document, dict) and set(document) <= {"entrypoint", "cmd"}:
        return list(document.get("entrypoint", [])), list(document.get("cmd", []))
    return [], args.split()


def port_mistake(port: str) -> str | None:
    """What is wrong with a port declaration, or None. The service takes any string here: this is our own check."""
    match = _PORT.fullmatch(port)
    if match and 1 <= int(match[1]) <= 65535:
        return None
    return f"{port!r} is not a port: write NUMBER/http or NUMBER/tcp, with a number from 1 to 65535"
