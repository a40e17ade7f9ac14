"""Reads `runtime.options` of Pulumi.yaml, and refuses values that the official host would refuse too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2

from language_host.errors import HostError


class Toolchain(StrEnum):
    """Who manages the program's packages. AUTO picks by the lock file found above the program."""

    AUTO = "auto"
    PIP = "pip"
    UV = "uv"


@dataclass(frozen=True)
class RuntimeOptions:
    """Where a program lies and how Pulumi.yaml wants it to be run; `virtualenv` is as written there."""

    root: Path
    program_directory: Path
    virtualenv: str = ""
    toolchain: Toolchain = Toolchain.AUTO
    typechecker: str = ""


def read_options(info: language_pb2.ProgramInfo) -> RuntimeOptions:
    """Raises HostError for an option that is not a string or whose value is unknown."""
    raw: dict[str, object] = MessageToDict(info.options)
    toolchain = _text(raw, "toolchain")
    if toolchain == "poetry":
        raise HostError(
            "runtime option 'toolchain: poetry' in Pulumi.yaml needs the official pulumi-language-python; "
            "install the official Pulumi CLI, or set 'toolchain' to pip or uv"
        )
    if toolchain not in ("", "pip", "uv"):
        raise HostError(f"unsupported toolchain option in Pulumi.yaml: {toolchain}; use pip or uv")
    typechecker = _text(raw, "typechecker")
    if typechecker not in ("", "mypy", "pyright"):
        raise HostError(f"unsupported typechecker option in Pulumi.yaml: {typechecker}; use mypy or pyright")
    return RuntimeOptions(
        root=Path(info.root_directory),
        program_directory=Path(info.program_directory),
        virtualenv=_text(raw, "virtualenv"),
        toolchain=Toolchain(toolchain) if toolchain else Toolchain.AUTO,
        typechecker=typechecker,
    )


def _text(raw: dict[str, object], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        raise HostError(f"runtime option '{key}' in Pulumi.yaml must be a string, not {value!r}")
    return value
