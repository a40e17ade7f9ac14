"""A set of files that belong together, in one folder of a volume: sent where missing, whole or not at all.

`READY.json` says what the set is. It is removed before the first change and written after the last, and the index of a
diffusers model is sent last of the files: so neither a reader of the manifest nor one that looks for the index ever
takes half of a set, or a mixture of two, for a whole one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pulumi_runpod.client.multipart_upload import etag_of
from pulumi_runpod.client.volume_files import RemoteFile, VolumeFiles
from pulumi_runpod.errors import VolumeError
from pulumi_runpod.wire.volume_s3 import MANIFEST, Manifest, ManifestFile

INDEX = "model_index.json"
_SENDERS = 4


@dataclass(frozen=True)
class WantedFile:
    """One file as it should be. `open_local` gives it on this machine, and may fetch it first."""

    path: str
    """Relative to the folder of the set, with `/`."""
    sha256: str
    open_local: Callable[[], AbstractContextManager[Path]]
    size: int | None = None
    """Bytes; None where only a download would tell."""


@dataclass(frozen=True)
class Progress:
    """`done` counts what is there already. `total` lacks files whose size is not known before they are fetched."""

    done: int
    total: int
    path: str


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Reality:
    """A set as it lies on the volume. `manifest` None: there is no readable one."""

    manifest: Manifest | None
    present: Mapping[str, RemoteFile]
    missing: tuple[str, ...] = ()
    different: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return self.manifest is not None and not self.missing and not self.different


@dataclass(frozen=True)
class Sent:
    """What a synchronisation did."""

    manifest: Manifest
    uploaded: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def inspect(volume: VolumeFiles, folder: str) -> Reality:
    """Compare what the manifest says with what is there: by size and ETag, from one listing. Reads no weights."""
    listed = volume.list(f"{folder}/")
    present = {key.removeprefix(f"{folder}/"): found for key, found in listed.items()}
    manifest = _manifest(volume, folder) if MANIFEST in present else None
    if manifest is None:
        return Reality(None, present)
    return Reality(
        manifest,
        present,
        missing=tuple(f.path for f in manifest.files if f.path not in present),
        different=tuple(f.path for f in manifest.files if f.path in present and not _is(f, present[f.path])),
    )


def synchronise(
    volume: VolumeFiles, folder: str, files: Sequence[WantedFile], *, on_progress: OnProgress = lambda _: None
) -> Sent:
    """Make the folder hold exactly this set: send what is missing or different, remove what an older set had more.

    Files that no manifest of ours named are left alone. Nothing is written when all is there. Interrupted, it goes on
    where it stopped. Raises `VolumeError`.
    """
    with volume.writing():
        reality = inspect(volume, folder)
        entries = {f.path: f for f in reality.manifest.files} if reality.manifest else {}
        there = {f.path: entry for f in files if (entry := _there(volume, f, reality, entries)) is not None}
        to_send = [f for f in files if f.path not in there]
        leftover = tuple(sorted(entries.keys() - {f.path for f in files}))
        if not to_send and reality.manifest == _manifest_of(there):
            return Sent(_manifest_of(there))
        if to_send or leftover:
            _close_to_readers(volume, folder, reality, leftover)
            to_send += [f for f in files if f.path == INDEX and f.path in there]
        tally = _Tally(on_progress, done=sum(there[f.path].size for f in files if f not in to_send), files=to_send)
        manifest = _manifest_of({**there, **_send(volume, folder, to_send, tally)})
        volume.write(f"{folder}/{MANIFEST}", manifest.model_dump_json(indent=1).encode())
        return Sent(manifest, tuple(f.path for f in to_send), leftover)


def remove(volume: VolumeFiles, folder: str) -> tuple[str, ...]:
    """Remove the files that the manifest names, manifest first, and folders that are then empty. Others stay."""
    with volume.writing():
        reality = inspect(volume, folder)
        if reality.manifest is None:
            return ()
        named = tuple(sorted(f.path for f in reality.manifest.files if f.path in reality.present))
        _close_to_readers(volume, folder, reality, named)
        folders = {"/".join(path.split("/")[:depth]) for path in named for depth in range(path.count("/") + 1)}
        for path in sorted(folders, key=len, reverse=True):
            volume.delete(f"{folder}/{path}/" if path else f"{folder}/")
        return named


def _close_to_readers(volume: VolumeFiles, folder: str, reality: Reality, unwanted: Sequence[str]) -> None:
    """From here on nobody takes the set for whole. The manifest goes last: until then it says what is to be removed."""
    for path in (INDEX, *(path for path in unwanted if path != INDEX), MANIFEST):
        if path in reality.present:
            volume.delete(f"{folder}/{path}")


def _there(
    volume: VolumeFiles, file: WantedFile, reality: Reality, entries: Mapping[str, ManifestFile]
) -> ManifestFile | None:
    """The manifest's entry of a file that need not be sent; None when it must be."""
    found, entry = reality.present.get(file.path), entries.get(file.path)
    if found is None or file.size not in (None, found.size):
        return None
    if entry is not None and entry.etag is not None and entry.sha256 == file.sha256 and _is(entry, found):
        return entry
    if file.size is None or (entry is not None and entry.sha256 != file.sha256):
        return None
    # No word of ours on this very file, as after an interrupted upload: its ETag tells, at the price of reading ours.
    part_bytes = volume.part_bytes_for(found.size)
    with file.open_local() as path:
        if etag_of(path, part_bytes, in_parts="-" in found.etag) != found.etag:
            return None
    return ManifestFile(path=file.path, size=found.size, sha256=file.sha256, etag=found.etag)


def _is(entry: ManifestFile, found: RemoteFile) -> bool:
    return entry.size == found.size and entry.etag in (None, found.etag)


def _send(volume: VolumeFiles, folder: str, files: Sequence[WantedFile], tally: _Tally) -> dict[str, ManifestFile]:
    """One file after the other, the index last; the parts of each at the same time."""
    sent: dict[str, ManifestFile] = {}
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="upload") as pool:
        for file in sorted(files, key=lambda f: (f.path == INDEX, f.path)):
            with file.open_local() as path, _unchanged(path):
                size = path.stat().st_size
                with tally.of(file, size) as on_bytes:
                    etag = volume.upload(path, f"{folder}/{file.path}", pool=pool, on_bytes=on_bytes)
            sent[file.path] = ManifestFile(path=file.path, size=size, sha256=file.sha256, etag=etag)
    return sent


@contextmanager
def _unchanged(path: Path) -> Iterator[None]:
    before = path.stat()
    yield
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise VolumeError(f"upload of {path}", "the file was changed while it was being sent", advice="Try again")


class _Tally:
    """Adds up the bytes of all parts, whichever thread sent them."""

    def __init__(self, on_progress: OnProgress, *, done: int, files: Sequence[WantedFile]) -> None:
        self._on_progress = on_progress
        self._done = done
        self._total = done + sum(f.size or 0 for f in files)
        self._lock = threading.Lock()

    @contextmanager
    def of(self, file: WantedFile, size: int) -> Iterator[Callable[[int], None]]:
        if file.size is None:
            self._total += size

        def on_bytes(count: int) -> None:
            with self._lock:
                self._done += count
                self._on_progress(Progress(self._done, self._total, file.path))

        yield on_bytes


def _manifest_of(entries: Mapping[str, ManifestFile]) -> Manifest:
    return Manifest(files=tuple(entries[path] for path in sorted(entries)))


def _manifest(volume: VolumeFiles, folder: str) -> Manifest | None:
    content = volume.read(f"{folder}/{MANIFEST}")
    try:
        return Manifest.model_validate_json(content or b"")
    except ValidationError:
        return None
