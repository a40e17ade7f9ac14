"""Which endpoints get their workers as processes of which command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkerCommand:
    """Endpoints whose image matches `image_glob` get workers that are processes running `command` (a shell line)."""

    image_glob: str
    command: str
