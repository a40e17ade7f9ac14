"""State directories and their files are for their owner alone, whatever the umask: they hold keys and jobs' inputs."""

from __future__ import annotations

import os
from pathlib import Path

_OURS = ("lock", "runpod.sqlite", "credentials.json")
_FOLDERS = ("volumes", "uploads", "workers")


def own_directory(path: Path) -> None:
    """Make a state directory with mode 0700, or close one that an older release made.

    A directory that was there before and is not ours keeps its mode: then what we make in it is closed. Raises OSError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except FileExistsError:
        ours = [path / name for name in _OURS if (path / name).exists()]
        if ours:
            path.chmod(0o700)
        for file in (*ours, *path.glob("runpod.sqlite-*"), *path.glob("server.*")):
            file.chmod(0o600)
    for name in _FOLDERS:
        (path / name).mkdir(mode=0o700, exist_ok=True)
        (path / name).chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)
