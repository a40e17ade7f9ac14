"""Objects: get, head, put, copy, delete. A key is a path on the volume; one that ends in a slash is a directory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from pulumi_runpod.emulator.platform.beneath import FileBeneath
from pulumi_runpod.emulator.s3.body import Body
from pulumi_runpod.emulator.s3.call import Call
from pulumi_runpod.emulator.s3.checksum import Checksums
from pulumi_runpod.emulator.s3.condition import byte_range, is_unmodified
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.etags import DEFAULT_CONTENT_TYPE, Etags, FileInfo, Meta
from pulumi_runpod.emulator.s3.landing import Draft, append, write
from pulumi_runpod.emulator.s3.paths import existing, key_parts, make_folder, put_at, remove_file
from pulumi_runpod.emulator.s3.volumes import Volume, Volumes
from pulumi_runpod.emulator.s3.xml import document
from pulumi_runpod.wire.volume_s3 import MAX_PUT_BYTES

_READ_STEP = 1 << 20
_USER_META = "x-amz-meta-"
_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


class Objects:
    def __init__(self, volumes: Volumes, etags: Etags) -> None:
        self._volumes = volumes
        self._etags = etags

    async def get(self, call: Call) -> Response:
        info = await self._info(call.volume, call.key)
        if is_unmodified(call.headers, info):
            return Response(status_code=304, headers={"ETag": f'"{info.etag}"'})
        part = byte_range(call.headers.get("range"), info.size)
        first, length = part or (0, info.size)
        headers = {**_headers(info), "Content-Length": str(length)}
        if part:
            headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{info.size}"
        status = 206 if part else 200
        if call.request.method == "HEAD" or not length:
            return Response(status_code=status, headers=headers)
        return StreamingResponse(_read(info.file, first, length), status_code=status, headers=headers)

    async def put(self, call: Call) -> Response:
        body = Body(call.request, call.signed)
        if body.length >= MAX_PUT_BYTES:
            raise S3Error("EntityTooLarge", f"A PutObject takes less than {MAX_PUT_BYTES} bytes: upload it in parts.")
        if call.key.endswith("/"):
            return await self._put_folder(call, body)
        await self._volumes.require_space(call.volume, body.length)
        checksums = Checksums(call.headers)
        with Draft(call.volume.uploads) as draft:
            size = await write(draft.path, body.pieces(), checksums.update)
            checked = checksums.check(body.trailers)
            await self.land(call.volume, call.key, draft, etag=checksums.md5, meta=meta_of(call.headers))
        self._volumes.moved(call.volume, size)
        return Response(headers={"ETag": f'"{checksums.md5}"', **checked})

    async def copy(self, call: Call) -> Response:
        source_bucket, _, source_key = unquote(call.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        if not source_key or "?" in source_key:
            raise S3Error("InvalidArgument", "x-amz-copy-source must be a volume and a key; there are no versions.")
        source_volume = self._volumes.get(source_bucket, call.data_center)
        source = await self._info(source_volume, source_key)
        if is_unmodified(call.headers, source, prefix="x-amz-copy-source-"):
            raise S3Error("PreconditionFailed", "At least one of the conditions did not hold.")
        replaced = call.headers.get("x-amz-metadata-directive") == "REPLACE"
        with Draft(call.volume.uploads) as draft:
            await asyncio.to_thread(_copy, source.file, draft.path)
            # As published, a copy does not ask for space beforehand: it fails when there is none.
            await self._volumes.require_space(call.volume, source.size)
            meta = meta_of(call.headers) if replaced else source.meta
            await self.land(call.volume, call.key, draft, etag=source.etag, meta=meta)
        self._volumes.moved(call.volume, source.size)
        info = await self._info(call.volume, call.key)
        fields = {"ETag": f'"{info.etag}"', "LastModified": iso_time(info.mtime_ns)}
        return Response(document("CopyObjectResult", fields), media_type="application/xml")

    async def delete(self, call: Call) -> Response:
        """A directory stays when its last file goes: it is listed, and can be deleted by its own key."""
        key_parts(call.key)
        freed = await asyncio.to_thread(remove_file, call.volume.directory, call.key)
        self._etags.forget(call.volume.id, call.key)
        self._volumes.moved(call.volume, -freed)
        return Response(status_code=204)

    async def land(self, volume: Volume, key: str, draft: Draft, *, etag: str, meta: Meta) -> None:
        """Let a draft appear under its key, and remember its ETag."""
        await asyncio.to_thread(put_at, volume.directory, key, draft.path)  # freeing a large old file takes its time
        self._etags.put(volume, key, etag, meta)

    async def _put_folder(self, call: Call, body: Body) -> Response:
        if body.length:
            raise S3Error("InvalidRequest", "A key that ends in a slash is a directory, and takes no bytes.")
        async for _ in body.pieces():
            pass
        make_folder(call.volume.directory, call.key)
        return Response(headers={"ETag": f'"{_EMPTY_MD5}"'})

    async def _info(self, volume: Volume, key: str) -> FileInfo:
        file = await asyncio.to_thread(existing, volume.directory, key)
        info = None
        if file is not None and key.endswith("/"):
            with contextlib.suppress(FileNotFoundError):
                info = FileInfo(file, 0, file.stat().st_mtime_ns, _EMPTY_MD5, Meta("application/x-directory"))
        elif file is not None:
            info = await self._etags.info(volume.id, key, file)
        if info is None:
            raise S3Error("NoSuchKey", "There is no file of this key on the volume.")
        return info


def meta_of(headers: Headers) -> Meta:
    user = {k[len(_USER_META) :]: v for k, v in headers.items() if k.startswith(_USER_META)}
    return Meta(headers.get("content-type", DEFAULT_CONTENT_TYPE), user)


def iso_time(mtime_ns: int) -> str:
    moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _headers(info: FileInfo) -> Mapping[str, str]:
    modified = datetime.fromtimestamp(info.mtime_ns // 1_000_000_000, UTC)
    return {
        "ETag": f'"{info.etag}"',
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": info.meta.content_type,
        **{_USER_META + name: value for name, value in info.meta.user.items()},
    }


async def _read(source: FileBeneath, first: int, length: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(source.open)
    with file:
        file.seek(first)
        while length:
            piece = await asyncio.to_thread(file.read, min(length, _READ_STEP))
            if not piece:  # cut short by another writer: the client sees too few bytes
                return
            length -= len(piece)
            yield piece


def _copy(source: FileBeneath, target: Path) -> None:
    with source.open() as content, target.open("wb") as file:
        append(content, file)
