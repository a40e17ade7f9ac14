"""Built things, shared by clones: each lies under a name that ends in the hash of what it is built from.

An entry appears by one rename when it is whole, so what is there can be used without a lock; a lock keeps two clones
from building the same thing at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bootstrap.console import Console

KEY_LENGTH = 16
"""Hex digits: 64 bits, far more than a handful of entries needs."""


def key_of(inputs: Mapping[str, str | bytes | Path]) -> str:
    """A hash over named inputs; a Path represents the content of that file, or of all files below that directory."""
    digest = hashlib.sha256()
    for name, value in sorted(inputs.items()):
        for part in _parts(name, value):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:KEY_LENGTH]


def _parts(name: str, value: str | bytes | Path) -> Iterator[bytes]:
    yield name.encode()
    if isinstance(value, str):
        yield value.encode()
    elif isinstance(value, bytes):
        yield value
    elif value.is_dir():
        for path in source_files(value):
            yield str(path.relative_to(value)).encode()
            yield path.read_bytes()
    else:
        yield value.read_bytes()


def source_files(directory: Path) -> list[Path]:
    """The files below a directory in a fixed order, without what Python compiles there."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def obtain(cache: Path, name: str, *, build: Callable[[Path], None], console: Console) -> Path:
    """The entry of that name, built by `build(directory)` if it is not there; `directory` exists and is empty."""
    entry = cache / name
    if entry.exists():
        # The time of last use, for `prune`.
        os.utime(entry)
        return entry
    with locked(cache, name, console=console):
        if entry.exists():
            return entry
        scratch = cache / f".building-{name}"
        # Left by a build that was interrupted: the lock says that nobody works there now.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            build(scratch)
            scratch.rename(entry)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return entry


def prune(cache: Path, *, unused_seconds: float) -> list[Path]:
    """Deletes the entries that no set-up has used for so long, and Go's caches with them; returns what it deleted."""
    oldest = time.time() - unused_seconds
    entries = [path for path in cache.glob("*-*") if path.is_dir() and path.stat().st_mtime < oldest]
    go_caches = [path for path in (cache / "go" / "build", cache / "go" / "mod") if path.is_dir()]
    for path in (*entries, *go_caches):
        shutil.rmtree(path)
    return [*entries, *go_caches]


@contextmanager
def locked(cache: Path, name: str, *, console: Console) -> Iterator[None]:
    """Holds the lock of that name, telling the user when another set-up has it. Freed by the kernel if we die."""
    directory = cache / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say(f"another set-up is working on {name}; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def link(path: Path, target: Path) -> None:
    """Makes `path` a symbolic link to `target`, replacing another link in one step."""
    if path.is_symlink() and path.readlink() == target:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(path)
