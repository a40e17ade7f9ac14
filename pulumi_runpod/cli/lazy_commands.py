"""Commands whose modules are imported when they are named: what one needs, no other waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import typer
import typer.core
import typer.main

if TYPE_CHECKING:
    Command = typer.core.TyperCommand | typer.core.TyperGroup

_GROUPS = ("emulator", "endpoint", "job", "native", "spec", "pr-stack")
_NAMES = (
    "adopt",
    "recover",
    "orphans",
    "deploy",
    "drift",
    "gpus",
    "cost",
    "advise",
    "preview-comment",
    "parity",
    *_GROUPS,
)
"""Module, and for a single command the function in it, are called as the command is."""


class LazyCommands(Mapping[str, "Command"]):
    """Name -> command, in the order of the help."""

    def __getitem__(self, name: str) -> Command:
        if name not in _NAMES:
            raise KeyError(name)
        return _loaded(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


class LazyGroup(typer.core.TyperGroup):
    def __init__(self, **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type]  # Typer's own arguments, passed on as they come
        self.commands = LazyCommands()  # type: ignore[assignment]  # nothing is added to it


@cache
def _loaded(name: str) -> Command:
    identifier = name.replace("-", "_")
    module = import_module(f"pulumi_runpod.cli.{identifier}")
    # A separate parent: the options of `app` in `main.py`, which would hand them down.
    parent = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    if name in _GROUPS:
        parent.add_typer(module.app, name=name)
    else:
        parent.command(name)(getattr(module, identifier))
    command: Command = typer.main.get_group(parent).commands[name]  # type: ignore[assignment]  # one of the two it makes
    return command
