"""Multipart uploads: parts as files in the state directory, so that they survive a restart, and no worker reaches them.

Completing moves part after part to the end of one file, and that file to its key: the disk never holds it twice. What
is being completed is written down first, so that a Complete cut off by a kill is finished by the client's next one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.emulator.s3.checksum import Checksums
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.etags import Meta
from pulumi_runpod.emulator.s3.landing import Draft, append, in_uploads, remove_empty

_ID = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"(\d{5})-([0-9a-f]{32})")
_ABOUT, _PLAN, _WHOLE = "upload.json", "complete.json", "whole"


@dataclass(frozen=True)
class Part:
    number: int
    etag: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Upload:
    """An unfinished upload: a folder with `upload.json` and a file `NNNNN-<md5>` for each part."""

    id: str
    key: str
    folder: Path
    meta: Meta
    initiated_ns: int

    def parts(self) -> list[Part]:
        """In order of their numbers."""
        found = []
        for path in _entries(self.folder):
            named = _PART.fullmatch(path.name)
            if named is None:
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:  # replaced, or moved into the whole, by another request
                continue
            found.append(Part(int(named[1]), named[2], path, stat.st_size, stat.st_mtime_ns))
        return sorted(found, key=lambda part: part.number)

    def put_part(self, number: int, draft: Draft, checksums: Checksums) -> None:
        """Take a draft as part `number`, instead of an earlier one."""
        if (self.folder / _PLAN).exists() or not self.folder.exists():
            raise S3Error("NoSuchUpload", "The upload is complete, or was aborted.")
        name = f"{number:05d}-{checksums.md5}"
        try:
            draft.path.replace(self.folder / name)
        except FileNotFoundError:
            raise S3Error("NoSuchUpload", "The upload was aborted meanwhile.") from None
        for path in self.folder.glob(f"{number:05d}-*"):
            if path.name != name:
                path.unlink(missing_ok=True)


def create(uploads: Path, key: str, meta: Meta, *, now_ns: int) -> Upload:
    """`uploads` is the folder of a volume's unfinished uploads."""
    upload_id = secrets.token_hex(16)
    folder = uploads / upload_id
    in_uploads(uploads, lambda: folder.mkdir(mode=0o700))
    about = {"key": key, "contentType": meta.content_type, "metadata": dict(meta.user), "initiatedNs": now_ns}
    _write_whole(folder / _ABOUT, about)
    return Upload(upload_id, key, folder, meta, now_ns)


def find(uploads: Path, key: str, upload_id: str) -> Upload:
    """Raises S3Error when there is no such upload of this key."""
    upload = _load(uploads / upload_id) if _ID.fullmatch(upload_id) else None
    if upload is None or upload.key != key:
        raise S3Error("NoSuchUpload", "The upload does not exist: it was completed or aborted, or its id is wrong.")
    return upload


def unfinished(uploads: Path) -> list[Upload]:
    """By key, then oldest first."""
    found = [_load(path) for path in _entries(uploads) if _ID.fullmatch(path.name)]
    return sorted((u for u in found if u), key=lambda u: (u.key.encode(), u.initiated_ns, u.id))


def abort(upload: Upload) -> int:
    """Throw the upload away and return the bytes freed."""
    freed = sum(part.size for part in upload.parts())
    shutil.rmtree(upload.folder, ignore_errors=True)
    remove_empty(upload.folder.parent)
    return freed


def etag_of(parts: list[tuple[int, str]]) -> str:
    """The ETag of an upload in parts: the MD5 of their MD5s, and how many there are."""
    sums = b"".join(bytes.fromhex(etag) for _, etag in parts)
    return f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(parts)}"


async def assemble(upload: Upload, asked: list[tuple[int, str]]) -> Path:
    """The whole file, still hidden. Raises S3Error when the parts asked for are not those that were uploaded."""
    numbers = [number for number, _ in asked]
    if not asked:
        raise S3Error("MalformedXML", "At least one part must be named.")
    if numbers != sorted(set(numbers)):
        raise S3Error("InvalidPartOrder", "The list of parts was not in ascending order.")
    return await asyncio.to_thread(_assemble, upload, asked)


def _assemble(upload: Upload, asked: list[tuple[int, str]]) -> Path:
    plan_file, whole = upload.folder / _PLAN, upload.folder / _WHOLE
    if not plan_file.exists():
        have = {(part.number, part.etag): part.size for part in upload.parts()}
        missing = [number for number, etag in asked if (number, etag) not in have]
        if missing:
            raise S3Error("InvalidPart", f"Parts were not uploaded, or have another ETag: {missing[:10]}.")
        _write_whole(plan_file, [[number, etag, have[number, etag]] for number, etag in asked])
    plan: list[tuple[int, str, int]] = [(n, e, s) for n, e, s in json.loads(plan_file.read_text())]
    if [(number, etag) for number, etag, _ in plan] != asked:
        raise S3Error("InvalidPart", "The upload is being completed with other parts.")
    with whole.open("ab") as file:
        for path, before in _left(upload, plan):
            file.truncate(before)  # what a kill left of this part
            with path.open("rb") as part:
                append(part, file)
            file.flush()
            path.unlink()
        size = file.tell()
    if size != sum(part_size for _, _, part_size in plan):
        # Killed after the file had appeared under its key, before the folder was removed.
        abort(upload)
        raise S3Error("NoSuchUpload", "The upload was completed before.")
    return whole


def _left(upload: Upload, plan: list[tuple[int, str, int]]) -> Iterator[tuple[Path, int]]:
    """(file, bytes before it) of the parts that are not yet in the whole."""
    before = 0
    for number, etag, size in plan:
        path = upload.folder / f"{number:05d}-{etag}"
        if path.exists():
            yield path, before
        before += size


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _load(folder: Path) -> Upload | None:
    try:
        about = json.loads((folder / _ABOUT).read_text())
    except OSError:
        return None
    meta = Meta(about["contentType"], about["metadata"])
    return Upload(folder.name, about["key"], folder, meta, about["initiatedNs"])


def _write_whole(path: Path, content: object) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(content))
    draft.replace(path)
