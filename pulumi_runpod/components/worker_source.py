"""Where the sources of the SDXL worker are: beside the package in a clone, inside it in an installed wheel."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pulumi_runpod.client.file_digests import FileDigests

PACKAGE = Path(__file__).resolve().parents[1]


def worker_source() -> Path:
    """The folder with the worker's Dockerfile."""
    inside = PACKAGE / "worker_source"
    return inside if inside.is_dir() else PACKAGE.parent / "worker"


def cuda_floor() -> str:
    """`12.8`: the oldest CUDA version that a host's driver may offer to the worker's torch."""
    return (worker_source() / "cuda_floor").read_text().strip()


def portable(folder: Path) -> str:
    """Relative to the program where it lies below it: the same on every machine, so that no path is a change."""
    try:
        return str(folder.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(folder.resolve())


def content_digest(folder: Path) -> str:
    """Of the names and bytes of all files in a folder; those that did not change since the last time are not read."""
    digests, whole = FileDigests(), hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{file.relative_to(folder).as_posix()}\0{digests.of(file)[1]}\n".encode())
    return whole.hexdigest()
