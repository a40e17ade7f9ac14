"""Policy packs that `pulumi` is to run with an update, as its arguments. Refuses a folder that holds none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.errors import SettingsError

_PACK_FILES = ("PulumiPolicy.yaml", "PulumiPolicy.yml")


@dataclass(frozen=True)
class PolicyPacks:
    """`rules[i]`: file with the configuration of `folders[i]`. Raises `SettingsError`."""

    folders: tuple[Path, ...] = ()
    rules: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for folder in self.folders:
            if not any((folder / name).is_file() for name in _PACK_FILES):
                raise SettingsError(f"{folder} is no policy pack: there is no {_PACK_FILES[0]} in it (--policy-pack)")
        for file in self.rules:
            if not file.is_file():
                raise SettingsError(f"no file {file}, which is to configure a policy pack (--policy-pack-config)")
        if len(self.rules) > len(self.folders):
            raise SettingsError("more --policy-pack-config than --policy-pack: each configures the pack of its place")

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of `pulumi preview` and `pulumi up`, which run in the project's folder."""
        packs = [word for folder in self.folders for word in ("--policy-pack", str(folder.resolve()))]
        return (*packs, *(word for file in self.rules for word in ("--policy-pack-config", str(file.resolve()))))


NO_POLICIES = PolicyPacks()
