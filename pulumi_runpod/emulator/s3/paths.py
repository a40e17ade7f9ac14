"""Keys as paths on a volume, which nothing leaves: not `..`, not an absolute key, not a symbolic link.

A link to a file inside the volume is followed, as in a Hugging Face cache; a link that leads out does not exist here.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.wire.volume_s3 import UPLOADS_FOLDER

_LONGEST_KEY = 1024
_LONGEST_NAME = 255


def key_parts(key: str) -> list[str]:
    """The names in a key, without the slash at the end of a directory's. Raises S3Error for a key that is no path."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise S3Error("InvalidArgument", "A key must be text in UTF-8.") from None
    if size > _LONGEST_KEY:
        raise S3Error("KeyTooLongError", f"Your key is too long: at most {_LONGEST_KEY} bytes.")
    parts = key.removesuffix("/").split("/")
    for part in parts:
        if part in ("", ".", "..") or "\0" in part:
            raise S3Error("InvalidArgument", "A key is a path: no empty name, no '.', no '..', no NUL in it.")
        if len(part.encode()) > _LONGEST_NAME:
            raise S3Error("KeyTooLongError", f"A name in a key has at most {_LONGEST_NAME} bytes.")
    if parts[0] == UPLOADS_FOLDER:
        raise S3Error("AccessDenied", f"{UPLOADS_FOLDER}/ belongs to unfinished uploads.")
    return parts


def existing(volume: Path, key: str) -> Path | None:
    """The file or directory that a key names, links resolved; None when there is none within the volume.

    A key with a slash at its end names a directory, one without names a file.
    """
    path = inside(volume, volume.joinpath(*key_parts(key)))
    if path is None or (path.is_dir() if key.endswith("/") else path.is_file()):
        return path
    return None


def inside(volume: Path, path: Path) -> Path | None:
    """`path` with every link resolved; None when it does not exist, or lies outside the volume."""
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links
        return None
    return resolved if resolved.is_relative_to(volume.resolve()) else None


def place_for(volume: Path, key: str) -> Path:
    """Where a new file of this key goes, with its directories made. Raises S3Error when something stands in its way."""
    *folders, name = key_parts(key)
    place = _folder(volume, folders) / name
    if place.is_dir() and not place.is_symlink():
        raise S3Error("InvalidRequest", "The key names a directory.")
    return place


def make_folder(volume: Path, key: str) -> None:
    """Make the directory that a key with a slash at its end names. Raises S3Error when something stands in its way."""
    _folder(volume, key_parts(key))


def _folder(volume: Path, names: list[str]) -> Path:
    at = volume.resolve()
    for name in names:
        below = at / name
        if not below.is_symlink() and not below.exists():
            below.mkdir(mode=0o755, exist_ok=True)
        resolved = inside(volume, below)
        if resolved is None:
            raise S3Error("AccessDenied", f"{name!r} in the key is a link that leads out of the volume.")
        if not resolved.is_dir():
            raise S3Error("InvalidRequest", f"{name!r} in the key is a file, not a directory.")
        at = resolved
    return at


def remove_file(volume: Path, key: str) -> int:
    """Remove what a key names and return the bytes freed. No-op for what is not there, or a directory with content."""
    *folders, name = key_parts(key)
    folder = inside(volume, volume.joinpath(*folders))
    if folder is None:
        return 0
    path = folder / name
    try:
        if key.endswith("/"):
            path.rmdir()
            return 0
        size = path.lstat().st_size
        path.unlink()
    except OSError:
        return 0
    return size


def tree_size(volume: Path) -> int:
    """Bytes of all files of a volume, those of unfinished uploads included; links count nothing."""
    return _size_below(str(volume))


def _size_below(folder: str) -> int:
    """Workers and other requests add and remove files while we look: what has gone counts nothing."""
    size = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                size += _size_below(entry.path)
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    size += entry.stat(follow_symlinks=False).st_size
    return size
