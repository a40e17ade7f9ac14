"""Keys as paths on a volume, which nothing leaves: not `..`, not an absolute key, not a symbolic link.

A link to a file inside the volume is followed, as in a Hugging Face cache; one that leads out does not exist.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pulumi_runpod.emulator.platform.beneath import FileBeneath, LeadsOutError, folder
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


def existing(volume: Path, key: str) -> FileBeneath | None:
    """The file or directory that a key names; None when there is none within the volume.

    A key with a slash at its end names a directory, one without names a file.
    """
    file = FileBeneath(volume, tuple(key_parts(key)))
    try:
        mode = file.stat().st_mode
    except OSError:
        return None
    return file if (stat.S_ISDIR(mode) if key.endswith("/") else stat.S_ISREG(mode)) else None


def check_place(volume: Path, key: str) -> None:
    """Make the directories of a new file. Raises S3Error when something is in its way."""
    *folders, name = key_parts(key)
    with _folder(volume, folders) as at:
        _refuse_directory(at, name)


def put_at(volume: Path, key: str, source: Path) -> None:
    """Let a file of ours appear under a key, whole, instead of whatever was there. Raises S3Error."""
    *folders, name = key_parts(key)
    with _folder(volume, folders) as at:
        _refuse_directory(at, name)
        source.chmod(0o644)
        try:
            os.rename(source, name, dst_dir_fd=at)
        except IsADirectoryError:
            _refuse_directory(at, name)
            raise
        except FileNotFoundError:
            raise S3Error("NoSuchBucket", "The network volume, or the folder, has been deleted meanwhile.") from None


def make_folder(volume: Path, key: str) -> None:
    """Make the directory that a key with a slash at its end names. Raises S3Error when something is in its way."""
    with _folder(volume, key_parts(key)):
        pass


@contextlib.contextmanager
def _folder(volume: Path, names: list[str]) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        try:
            at = stack.enter_context(folder(volume, names, make=True))
        except LeadsOutError:
            raise S3Error("AccessDenied", "A name in the key is a link that leads out of the volume.") from None
        except NotADirectoryError:
            raise S3Error("InvalidRequest", "A name in the key is a file, not a directory.") from None
        except FileNotFoundError:
            raise S3Error("NoSuchBucket", "The network volume has been deleted.") from None
        yield at


def _refuse_directory(at: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise S3Error("InvalidRequest", "The key names a directory.")


def remove_file(volume: Path, key: str) -> int:
    """Remove what a key names and return the bytes freed. No-op for what is not there, or a directory with content."""
    *folders, name = key_parts(key)
    try:
        with folder(volume, folders) as at:
            if key.endswith("/"):
                os.rmdir(name, dir_fd=at)
                return 0
            size = os.stat(name, dir_fd=at, follow_symlinks=False).st_size
            os.unlink(name, dir_fd=at)
    except OSError:
        return 0
    return size


def tree_size(top: Path) -> int:
    """Bytes of all files below a directory; links count nothing. What is removed meanwhile counts nothing."""
    size = 0
    with contextlib.suppress(FileNotFoundError):
        for _, _, files, at in os.fwalk(top, follow_symlinks=False):
            for name in files:
                with contextlib.suppress(OSError):
                    found = os.stat(name, dir_fd=at, follow_symlinks=False)
                    size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return size
