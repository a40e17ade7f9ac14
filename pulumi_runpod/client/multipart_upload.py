"""One large file in parts, from where an interrupted upload stopped: parts whose MD5 is right are not sent again.

Memory stays flat: a part is read from the disk as it is sent.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from pulumi_runpod.errors import VolumeError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from types_boto3_s3.client import S3Client

OnBytes = Callable[[int], None]
_READ_STEP = 1 << 20


class MultipartUpload:
    def __init__(self, s3: S3Client, bucket: str, key: str, path: Path, *, size: int, part_bytes: int) -> None:
        self._s3 = s3
        self._bucket, self._key, self._path = bucket, key, path
        self._slices = slices(size, part_bytes)
        self._size = size
        self._id = ""

    def send(self, pool: ThreadPoolExecutor, on_bytes: OnBytes) -> list[bytes]:
        """Send every part that is not there yet; return the MD5 of each. Raises what botocore raises."""
        found = self._unfinished()
        there: dict[int, str] = {}
        if found is None:
            made = self._s3.create_multipart_upload(Bucket=self._bucket, Key=self._key)
            if not made.get("UploadId"):
                raise VolumeError(f"S3 POST {self._key}?uploads", "the answer names no upload: not one of S3")
            self._id = made["UploadId"]
        else:
            self._id, there = found

        def send(number: int, first: int, length: int) -> bytes:
            md5 = _md5(self._path, first, length)
            if there.get(number) != md5.hex():
                with _Slice(self._path, first, length) as part:
                    self._s3.upload_part(
                        Bucket=self._bucket,
                        Key=self._key,
                        UploadId=self._id,
                        PartNumber=number,
                        Body=part.body,
                        ContentMD5=base64.b64encode(md5).decode(),
                    )
            on_bytes(length)
            return md5

        parts = [pool.submit(send, n, first, length) for n, (first, length) in enumerate(self._slices, start=1)]
        try:
            wait(parts, return_when=FIRST_EXCEPTION)
            return [part.result() for part in parts]
        finally:
            for part in parts:
                part.cancel()
            wait(parts)

    def complete(self, s3: S3Client, sums: list[bytes]) -> str:
        """Let the file appear; returns its ETag. Without a clear answer, the file is looked for before this fails."""
        from botocore.exceptions import BotoCoreError, ClientError

        etag = multipart_etag(sums)
        parts = [{"PartNumber": n, "ETag": f'"{md5.hex()}"'} for n, md5 in enumerate(sums, start=1)]
        try:
            s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # a list of exactly these keys
            )
        except (ClientError, BotoCoreError) as error:
            if not _refuses(error) and self._is_there(etag):
                return etag
            raise
        return etag

    def _is_there(self, etag: str) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=self._key)
        except (ClientError, BotoCoreError):
            return False
        return found["ContentLength"] == self._size and found.get("ETag", "").strip('"') == etag

    def _unfinished(self) -> tuple[str, dict[int, str]] | None:
        """(upload id, MD5 by part number) of the newest unfinished upload of this key; older ones are thrown away."""
        from botocore.exceptions import ClientError

        try:
            pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._key)
            uploads = [u for page in pages for u in page.get("Uploads", []) if u["Key"] == self._key]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NotImplemented":
                return None
            raise
        if not uploads:
            return None
        *older, newest = sorted(uploads, key=lambda u: u["Initiated"])
        for upload in older:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=upload["UploadId"])
        parts = self._s3.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=self._key, UploadId=newest["UploadId"]
        )
        there = {p["PartNumber"]: p["ETag"].strip('"') for page in parts for p in page.get("Parts", [])}
        return newest["UploadId"], there


def _refuses(error: ClientError | BotoCoreError) -> bool:
    """Whether the service has said no. `NoSuchUpload` may mean that an attempt before has completed it."""
    response = getattr(error, "response", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(400 <= status < 500 and response.get("Error", {}).get("Code") != "NoSuchUpload")


def put_file(s3: S3Client, bucket: str, key: str, path: Path, *, size: int, on_bytes: OnBytes) -> str:
    """Send a file in one piece; returns its ETag."""
    md5 = _md5(path, 0, size)
    with _Slice(path, 0, size) as whole:
        s3.put_object(Bucket=bucket, Key=key, Body=whole.body, ContentMD5=base64.b64encode(md5).decode())
    on_bytes(size)
    return md5.hex()


def etag_of(path: Path, part_bytes: int, *, in_parts: bool) -> str:
    """The ETag that a file has once it is uploaded, in one piece or in parts of this size."""
    size = path.stat().st_size
    if not in_parts:
        return _md5(path, 0, size).hex()
    return multipart_etag([_md5(path, first, length) for first, length in slices(size, part_bytes)])


def multipart_etag(sums: list[bytes]) -> str:
    return f"{hashlib.md5(b''.join(sums), usedforsecurity=False).hexdigest()}-{len(sums)}"


def slices(size: int, part_bytes: int) -> list[tuple[int, int]]:
    """(first byte, length) of each part."""
    return [(first, min(part_bytes, size - first)) for first in range(0, size, part_bytes)]


def content_md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _md5(path: Path, first: int, length: int) -> bytes:
    found = hashlib.md5(usedforsecurity=False)
    with _Slice(path, first, length) as part:
        while piece := part.read(_READ_STEP):
            found.update(piece)
    return found.digest()


class _Slice(io.RawIOBase):
    """A part of a file as a file object, for botocore: it is sent from the disk, and sent again on a retry."""

    def __init__(self, path: Path, first: int, length: int) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)
        self._first, self._length, self._at = first, length, 0

    @property
    def body(self) -> IO[bytes]:
        """This, as botocore's types have it."""
        return cast("IO[bytes]", self)

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer is not in 3.11
        most = max(0, min(len(buffer), self._length - self._at))
        piece = os.pread(self._file.fileno(), most, self._first + self._at)
        if most and not piece:
            # The service would wait for the rest that was promised.
            raise VolumeError(f"upload of {self._path}", "the file was cut short while it was being sent")
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()
