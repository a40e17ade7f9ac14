"""Volumes as buckets: the list of them, and the list of what lies on one."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

from starlette.responses import Response

from pulumi_runpod.emulator.s3.call import Call
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.etags import Etags
from pulumi_runpod.emulator.s3.listing import Page, Query, page
from pulumi_runpod.emulator.s3.objects import iso_time
from pulumi_runpod.emulator.s3.volumes import Volume
from pulumi_runpod.emulator.s3.xml import Value, document

_MOST_KEYS = 1000
_EMPTY_ETAG = '"d41d8cd98f00b204e9800998ecf8427e"'


def list_buckets(volumes: list[Volume], owner: str) -> Response:
    """Every volume of the data center. Buckets have no names but their ids."""
    buckets = [
        {"Name": v.id, "CreationDate": iso_time(int(v.created_at * 1e9))} for v in sorted(volumes, key=lambda v: v.id)
    ]
    fields: dict[str, Value] = {"Owner": {"ID": owner}, "Buckets": {"Bucket": buckets}}
    return Response(document("ListAllMyBucketsResult", fields), media_type="application/xml")


def head_bucket(call: Call) -> Response:
    return Response(headers={"x-amz-bucket-region": call.data_center})


async def list_objects(call: Call, etags: Etags) -> Response:
    query = call.query
    second = query.get("list-type") == "2"
    limit = call.number("max-keys", _MOST_KEYS, most=_MOST_KEYS)
    after = _after(call) if second else query.get("marker", "")
    asked = Query(prefix=query.get("prefix", ""), delimiter=query.get("delimiter", ""), after=after, limit=limit)
    found = await asyncio.to_thread(page, call.volume.directory, asked)
    text = _encoder(call)
    value: dict[str, Value] = {
        "Name": call.volume.id,
        "Prefix": text(asked.prefix),
        "Delimiter": text(asked.delimiter) or None,
        "MaxKeys": limit,
        "EncodingType": query.get("encoding-type"),
        "IsTruncated": found.truncated,
        **(_second(call, found, text) if second else _first(found, asked, text)),
        "Contents": await _contents(call, found, etags, text),
        "CommonPrefixes": [{"Prefix": text(prefix)} for prefix in found.prefixes],
    }
    return Response(document("ListBucketResult", value), media_type="application/xml")


async def _contents(call: Call, found: Page, etags: Etags, text: Callable[[str], str]) -> list[Value]:
    files = [(key, file) for key, file in found.files if file is not None]
    infos = dict(zip((key for key, _ in files), await etags.infos(call.volume.id, files), strict=True))
    contents: list[Value] = []
    for key, file in found.files:
        info = infos.get(key)
        if info is not None:
            contents.append(
                {
                    "Key": text(key),
                    "LastModified": iso_time(info.mtime_ns),
                    "ETag": f'"{info.etag}"',
                    "Size": info.size,
                    "StorageClass": "STANDARD",
                }
            )
        elif file is None:
            folder: dict[str, Value] = {"Key": text(key), "LastModified": iso_time(0), "ETag": _EMPTY_ETAG, "Size": 0}
            contents.append({**folder, "StorageClass": "STANDARD"})
    return contents


def _first(found: Page, asked: Query, text: Callable[[str], str]) -> dict[str, Value]:
    return {
        "Marker": text(asked.after),
        "NextMarker": text(found.last) if found.truncated and asked.delimiter else None,
    }


def _second(call: Call, found: Page, text: Callable[[str], str]) -> dict[str, Value]:
    start = call.query.get("start-after")
    return {
        "KeyCount": len(found.files) + len(found.prefixes),
        "StartAfter": text(start) if start else None,
        "ContinuationToken": call.query.get("continuation-token"),
        "NextContinuationToken": base64.urlsafe_b64encode(found.last.encode()).decode() if found.truncated else None,
    }


def _after(call: Call) -> str:
    token = call.query.get("continuation-token")
    if token is None:
        return call.query.get("start-after", "")
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect.") from None


def _encoder(call: Call) -> Callable[[str], str]:
    how = call.query.get("encoding-type")
    if how not in (None, "url"):
        raise S3Error("InvalidArgument", "encoding-type must be url.")
    return (lambda text: quote(text, safe="/-_.~*")) if how else (lambda text: text)
