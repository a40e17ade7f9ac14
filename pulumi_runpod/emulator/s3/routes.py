"""Which operation a request asks for. What the service does not document is refused by name, never guessed at.

`/s3/<data center>/<volume id>/<key>`, and `/_emulator/s3-keys` to make keys, list their ids and remove them.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from pulumi_runpod.emulator.platform.early_answer import WatchedBody, has_body
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import why_not_written
from pulumi_runpod.emulator.s3.buckets import head_bucket, list_buckets, list_objects
from pulumi_runpod.emulator.s3.call import Call
from pulumi_runpod.emulator.s3.error import S3Error, not_implemented
from pulumi_runpod.emulator.s3.etags import Etags
from pulumi_runpod.emulator.s3.keys import S3Keys
from pulumi_runpod.emulator.s3.objects import Objects
from pulumi_runpod.emulator.s3.signature import verify
from pulumi_runpod.emulator.s3.uploads import Uploads
from pulumi_runpod.emulator.s3.volumes import Volumes
from pulumi_runpod.wire.volume_s3 import DATA_CENTERS

PREFIX = "/s3"
_DRAINED = 4 << 20
"""Bytes of a refused body that are read, so that a client which is still sending hears the refusal."""

# Query parameters that name another operation than the plain one; the rest (`x-id`, `prefix`, ...) only refine it.
_SUBRESOURCES = frozenset(
    {
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
        "inventory", "legal-hold", "lifecycle", "location", "logging", "metadataTable", "metrics", "notification",
        "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
        "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "versionId", "versioning",
        "versions", "website", "partNumber", "uploadId", "uploads",
    }
)  # fmt: skip
# Headers that ask for what volumes do not have.
_REFUSED_HEADERS = ("x-amz-acl", "x-amz-grant-", "x-amz-server-side-encryption", "x-amz-object-lock-", "x-amz-tagging",
                    "x-amz-website-redirect-location", "x-amz-write-offset-bytes")  # fmt: skip


class S3:
    """The ASGI application behind `/s3`."""

    def __init__(self, platform: Platform) -> None:
        self.keys = S3Keys(platform.store, platform.keys.owner_digest)
        self._volumes = Volumes(platform)
        self._etags = Etags(platform.store)
        self._objects = Objects(self._volumes, self._etags)
        self._uploads = Uploads(self._volumes, self._etags)
        for draft in (platform.state_dir / "uploads").glob("*/draft-*"):
            draft.unlink(missing_ok=True)  # of requests that ended with the process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = WatchedBody(receive)
        request = Request(scope, body)
        try:
            response = await self._answered(request)
        except S3Error as error:
            await _drain(request, body)
            response = error.response(resource=request.url.path, head=request.method == "HEAD")
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except sqlite3.DatabaseError as error:
            raise S3Error("InsufficientStorage", why_not_written(error)) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise S3Error(
                "InsufficientStorage", "The disk of the machine that runs the local RunPod is full."
            ) from error

    async def _answer(self, request: Request) -> Response:
        data_center, bucket, key = _target(request)
        if data_center not in DATA_CENTERS:
            raise S3Error("NoSuchDataCenter", f"{data_center!r} has no S3 API: {', '.join(sorted(DATA_CENTERS))} have.")
        signed = verify(request, self.keys, region=data_center)
        _refuse_headers(request.headers.keys())
        if not bucket:
            if request.method != "GET":
                raise S3Error("MethodNotAllowed", "Without a bucket there is only the list of buckets.")
            return list_buckets(self._volumes.of_data_center(data_center), signed.access_key_id)
        if not key and request.method in ("PUT", "DELETE") and not request.query_params:
            raise not_implemented(f"{request.method} of a bucket (volumes are created and deleted through REST)")
        call = Call(request, signed, data_center, self._volumes.get(bucket, data_center), key)
        return await (self._on_object(call) if key else self._on_bucket(call))

    async def _on_bucket(self, call: Call) -> Response:
        match (call.request.method, _subresources(call)):
            case ("GET", []):
                return await list_objects(call, self._etags)
            case ("GET", ["uploads"]):
                return await self._uploads.list_uploads(call)
            case ("HEAD", []):
                return head_bucket(call)
            case (method, asked):
                raise not_implemented(_name(method, asked, "bucket"))

    async def _on_object(self, call: Call) -> Response:
        copies = "x-amz-copy-source" in call.headers
        match (call.request.method, _subresources(call)):
            case ("GET" | "HEAD", []):
                return await self._objects.get(call)
            case ("PUT", []):
                if {"if-match", "if-none-match"} & set(call.headers):
                    raise not_implemented("A conditional write")
                return await (self._objects.copy(call) if copies else self._objects.put(call))
            case ("DELETE", []):
                return await self._objects.delete(call)
            case ("POST", ["uploads"]):
                return await self._uploads.create(call)
            case ("PUT", ["partNumber", "uploadId"]) if not copies:
                return await self._uploads.put_part(call)
            case ("POST", ["uploadId"]):
                return await self._uploads.complete(call)
            case ("DELETE", ["uploadId"]):
                return await self._uploads.abort(call)
            case ("GET", ["uploadId"]):
                return await self._uploads.list_parts(call)
            case (method, asked):
                raise not_implemented("UploadPartCopy" if copies else _name(method, asked, "object"))


def routes(platform: Platform) -> list[BaseRoute]:
    """The S3 API, and the control route for its keys. The gate must let `/s3` through: it checks its own keys."""
    s3 = S3(platform)

    async def make(_: Request) -> Response:
        made = s3.keys.add()
        fields = {"accessKeyId": made.access_key_id, "secretAccessKey": made.secret_access_key}
        return json_response(json.dumps(fields), status=201)

    async def ids(_: Request) -> Response:
        return json_response(json.dumps({"s3Keys": [{"accessKeyId": i} for i in s3.keys.ids()]}))

    async def remove(request: Request) -> Response:
        if not s3.keys.remove(request.path_params["id"]):
            raise ProblemError(404, "no S3 key of this id can be removed")
        return Response(status_code=204)

    return [
        methods("/_emulator/s3-keys", {"GET": ids, "POST": make}),
        methods("/_emulator/s3-keys/{id}", {"DELETE": remove}),
        Mount(PREFIX, app=s3),
    ]


def _target(request: Request) -> tuple[str, str, str]:
    """(data center, bucket, key), decoded. The key is taken from the raw path: a decoded one would hide `%2F`."""
    path: bytes = request.scope["raw_path"].removeprefix(PREFIX.encode() + b"/")
    data_center, _, rest = path.partition(b"/")
    bucket, _, key = rest.partition(b"/")
    try:
        return unquote_to_bytes(data_center).decode().upper(), unquote_to_bytes(bucket).decode(), _text(key)
    except UnicodeDecodeError:
        raise S3Error("InvalidArgument", "A key must be text in UTF-8.") from None


def _text(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode()


def _subresources(call: Call) -> list[str]:
    return sorted(_SUBRESOURCES & call.query.keys())


def _refuse_headers(names: Iterable[str]) -> None:
    refused = [name for name in names if name.startswith(_REFUSED_HEADERS)]
    if refused:
        raise not_implemented(f"What {refused[0]} asks for")


def _name(method: str, asked: list[str], what: str) -> str:
    return f"{method} ?{'&'.join(asked)} of {what}" if asked else f"{method} of {what}"


async def _drain(request: Request, body: WatchedBody) -> None:
    """Read what a client is sending already. One that waits for our word before it sends hears the refusal at once."""
    if not has_body(request.scope) or (not body.begun and "expect" in request.headers):
        return
    size = 0
    while not body.ended and size <= _DRAINED:
        size += len((await body()).get("body", b""))
