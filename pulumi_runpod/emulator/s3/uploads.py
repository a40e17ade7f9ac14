"""The multipart operations as HTTP: create, upload a part, complete, abort, list parts, list uploads."""

from __future__ import annotations

import asyncio
import time

from starlette.responses import Response

from pulumi_runpod.emulator.s3 import multipart
from pulumi_runpod.emulator.s3.body import Body
from pulumi_runpod.emulator.s3.call import Call
from pulumi_runpod.emulator.s3.checksum import Checksums
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.etags import Etags
from pulumi_runpod.emulator.s3.landing import Draft, write
from pulumi_runpod.emulator.s3.objects import iso_time, meta_of
from pulumi_runpod.emulator.s3.paths import check_place, key_parts, put_at
from pulumi_runpod.emulator.s3.volumes import Volumes
from pulumi_runpod.emulator.s3.xml import Value, completed_parts, document
from pulumi_runpod.wire.volume_s3 import MAX_PART_BYTES, MAX_PARTS

_MOST = 1000
_LONGEST_LIST = 2 << 20


class Uploads:
    def __init__(self, volumes: Volumes, etags: Etags) -> None:
        self._volumes = volumes
        self._etags = etags
        self._completing: set[str] = set()

    async def create(self, call: Call) -> Response:
        key_parts(call.key)
        if call.key.endswith("/"):
            raise S3Error("InvalidRequest", "A key that ends in a slash is a directory, and takes no bytes.")
        upload = multipart.create(call.volume.uploads, call.key, meta_of(call.headers), now_ns=time.time_ns())
        fields: dict[str, Value] = {"Bucket": call.volume.id, "Key": call.key, "UploadId": upload.id}
        return _xml("InitiateMultipartUploadResult", fields)

    async def put_part(self, call: Call) -> Response:
        number = call.number("partNumber", 0, most=MAX_PARTS + 1)
        if not 1 <= number <= MAX_PARTS:
            raise S3Error("InvalidArgument", f"Part numbers go from 1 to {MAX_PARTS}.")
        upload = multipart.find(call.volume.uploads, call.key, call.query["uploadId"])
        body = Body(call.request, call.signed)
        if body.length > MAX_PART_BYTES:
            raise S3Error("EntityTooLarge", f"A part has at most {MAX_PART_BYTES} bytes.")
        checksums = Checksums(call.headers)
        with Draft(call.volume.uploads) as draft:
            size = await write(draft.path, body.pieces(), checksums.update)
            checked = checksums.check(body.trailers)
            # As published, space is not asked for beforehand: the part fails when there is none. It is counted already.
            await self._volumes.require_space(call.volume, 0)
            self._volumes.moved(call.volume, size)
            upload.put_part(number, draft, checksums)
        return Response(headers={"ETag": f'"{checksums.md5}"', **checked})

    async def complete(self, call: Call) -> Response:
        upload = multipart.find(call.volume.uploads, call.key, call.query["uploadId"])
        body = Body(call.request, call.signed)
        if body.length > _LONGEST_LIST:
            raise S3Error("MalformedXML", "The list of parts is too long.")
        try:
            asked = completed_parts(b"".join([piece async for piece in body.pieces()]))
        except ValueError:
            raise S3Error("MalformedXML", "The XML you provided was not a list of parts.") from None
        if upload.id in self._completing:
            raise S3Error("OperationAborted", "The upload is being completed by another request.")
        self._completing.add(upload.id)
        try:
            check_place(call.volume.directory, call.key)
            whole = await multipart.assemble(upload, asked)
            await asyncio.to_thread(
                put_at, call.volume.directory, call.key, whole
            )  # freeing a large old file takes its time
        finally:
            self._completing.discard(upload.id)
        etag = multipart.etag_of(asked)
        self._etags.put(call.volume, call.key, etag, upload.meta)
        self._volumes.moved(call.volume, -await asyncio.to_thread(multipart.abort, upload))
        fields: dict[str, Value] = {
            "Location": str(call.request.url.replace(query="")),
            "Bucket": call.volume.id,
            "Key": call.key,
            "ETag": f'"{etag}"',
        }
        return _xml("CompleteMultipartUploadResult", fields)

    async def abort(self, call: Call) -> Response:
        upload = multipart.find(call.volume.uploads, call.key, call.query["uploadId"])
        if upload.id in self._completing:
            raise S3Error("OperationAborted", "The upload is being completed.")
        self._volumes.moved(call.volume, -await asyncio.to_thread(multipart.abort, upload))
        return Response(status_code=204)

    async def list_parts(self, call: Call) -> Response:
        upload = multipart.find(call.volume.uploads, call.key, call.query["uploadId"])
        limit = call.number("max-parts", _MOST, most=_MOST)
        marker = call.number("part-number-marker", 0, most=MAX_PARTS)
        parts = [part for part in upload.parts() if part.number > marker]
        shown = parts[:limit]
        fields: dict[str, Value] = {
            "Bucket": call.volume.id,
            "Key": call.key,
            "UploadId": upload.id,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": shown[-1].number if shown else marker,
            "MaxParts": limit,
            "IsTruncated": len(parts) > limit,
            "Part": [
                {
                    "PartNumber": part.number,
                    "LastModified": iso_time(part.mtime_ns),
                    "ETag": f'"{part.etag}"',
                    "Size": part.size,
                }
                for part in shown
            ],
        }
        return _xml("ListPartsResult", fields)

    async def list_uploads(self, call: Call) -> Response:
        """By key, then oldest first; `delimiter` is not supported."""
        prefix = call.query.get("prefix", "")
        limit = call.number("max-uploads", _MOST, most=_MOST)
        key_marker, id_marker = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
        found = [u for u in multipart.unfinished(call.volume.uploads) if u.key.startswith(prefix)]
        if key_marker:
            passed = [i for i, u in enumerate(found) if u.key == key_marker and u.id == id_marker]
            found = found[passed[0] + 1 :] if passed else [u for u in found if u.key.encode() > key_marker.encode()]
        shown, truncated = found[:limit], len(found) > limit
        fields: dict[str, Value] = {
            "Bucket": call.volume.id,
            "KeyMarker": key_marker,
            "UploadIdMarker": id_marker,
            "NextKeyMarker": shown[-1].key if shown and truncated else None,
            "NextUploadIdMarker": shown[-1].id if shown and truncated else None,
            "Prefix": prefix,
            "MaxUploads": limit,
            "IsTruncated": truncated,
            "Upload": [{"Key": u.key, "UploadId": u.id, "Initiated": iso_time(u.initiated_ns)} for u in shown],
        }
        return _xml("ListMultipartUploadsResult", fields)


def _xml(name: str, fields: dict[str, Value]) -> Response:
    return Response(document(name, fields), media_type="application/xml")
