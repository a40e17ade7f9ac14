"""The settings of a pull request's stack: those of another stack, secrets included, with a few changes.

Made anew for every command, since a runner's checkout has no file for such a stack. How secrets are encrypted is taken
over from the source's file, the values by `pulumi config cp`, which works with every backend. Refuses no setting: the
program that reads them does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # Pulumi brings it, without stubs
from pydantic import JsonValue

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace, project_file

_VALUES, _PLATFORM, _USUAL_PLATFORM = "config", "platformStack", "platform"


@dataclass(frozen=True, kw_only=True)
class PrSettings:
    """Names of settings are those of `stacks/settings.py`."""

    source: str = "dev"
    """Stack whose settings are copied."""
    workers_max: int = 1
    platform: str | None = None
    """Stack that owns the volumes. None: as the source has it, else `platform`. Empty: its own volumes."""
    more: Mapping[str, str] = field(default_factory=dict)

    def own(self, platform: str) -> dict[str, str]:
        """What differs from the source: nothing is warm, little is spent, and everything can be taken away again."""
        own = {"workersMin": "0", "workersMax": str(self.workers_max), "protectVolume": "false"}
        if platform:
            own["platformStack"] = platform
        return {**own, **self.more}


def settings_file(workspace: Workspace, stack: str) -> Path:
    """Where `pulumi` keeps the settings of a stack, whether or not there are any."""
    project = project_file(workspace.directory)
    result = _read(project) if project else {}
    directory = result.get("stackConfigDir")
    return workspace.directory / (directory if isinstance(directory, str) else "") / f"Pulumi.{stack}.yaml"


def write_settings(workspace: Workspace, stack: str, settings: PrSettings, stacks: Collection[str]) -> None:
    """Makes the stack where it is none of `stacks`, and its settings in any case.

    Raises `PulumiFailed`, and `RunPodError` for a settings file that is none, and for a source or a
    platform that does not exist.
    """
    if settings.source not in stacks:
        raise RunPodError(f"no stack {settings.source}, whose settings are to be copied: name another one (--from)")
    chosen = _platform(workspace, settings)
    if chosen and "/" not in chosen and chosen not in stacks:
        raise RunPodError(
            f"no stack {chosen}, which is to own the volumes: deploy it first, name another one (--platform), or give "
            "each pull request its own volume (--own-volume)"
        )
    copy_settings(workspace, stack, settings.source, exists=stack in stacks)
    if settings.platform == "":
        workspace.run("config", "rm", _PLATFORM, "--stack", stack)
    own = [word for key, value in settings.own(chosen).items() for word in ("--plaintext", f"{key}={value}")]
    workspace.run("config", "set-all", "--stack", stack, *own)


def copy_settings(workspace: Workspace, stack: str, source: str, *, exists: bool) -> None:
    """Those of `source`, as they are. Makes the stack unless it `exists`."""
    encryption = {key: value for key, value in _settings_of(workspace, source).items() if key != _VALUES}
    file = settings_file(workspace, stack)
    file.write_text(yaml.safe_dump(encryption) if encryption else "")
    if exists:
        workspace.run("config", "cp", "--stack", source, "--dest", stack)
        return
    provider = encryption.get("secretsprovider")
    chosen = ["--secrets-provider", str(provider)] if provider else []
    try:
        workspace.run("stack", "init", stack, "--no-select", *chosen)
    except PulumiFailed:
        file.unlink(missing_ok=True)
        raise
    try:
        workspace.run("config", "cp", "--stack", source, "--dest", stack)
    except PulumiFailed:
        workspace.run("stack", "rm", "--stack", stack, "--yes")
        file.unlink(missing_ok=True)
        raise


def _platform(workspace: Workspace, settings: PrSettings) -> str:
    """Empty: none."""
    if settings.platform is not None:
        return settings.platform
    values = _settings_of(workspace, settings.source).get(_VALUES)
    of_source = (
        next((v for k, v in values.items() if k.endswith(f":{_PLATFORM}")), None) if isinstance(values, dict) else None
    )
    return of_source if isinstance(of_source, str) else _USUAL_PLATFORM


def _settings_of(workspace: Workspace, stack: str) -> Mapping[str, JsonValue]:
    """What the file of a stack says; nothing where it has none, since a backend may keep settings itself."""
    file = settings_file(workspace, stack)
    return _read(file) if file.is_file() else {}


def _read(file: Path) -> Mapping[str, JsonValue]:
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RunPodError(f"{file} -> {reason}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise RunPodError(f"{file} -> holds no settings: a map is wanted")
    return document
