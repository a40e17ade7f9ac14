"""Files of one network volume, over the S3 API: list, read, write, delete. One writer at a time.

Works with RunPod and with the local RunPod. boto3 is imported when the first client is made. Every failure is a
`VolumeError` that says what was tried; no text holds a key.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_runpod.client.multipart_upload import MultipartUpload, OnBytes, content_md5, put_file
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import VolumeError
from pulumi_runpod.extras import require
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.volume_s3 import DATA_CENTERS, MAX_PART_BYTES, MAX_PARTS, endpoint_url

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

_CONNECTIONS = 8
DEFAULT_ATTEMPTS = 10
"""The service's own advice against its 502s."""
_READ_TIMEOUT_S = 300
"""For an answer, where `runpod:timeout` is not set: a part of the usual size is written before it comes."""
_COMPLETE_TIMEOUT_S = 7200
_COMPLETE_BYTES_PER_S = 1_500_000
"""Completing an upload of 10 GB and more takes up to two hours, by the service's advice; smaller ones take less."""
_NOT_S3 = "Look at what answers at `runpod:s3EndpointUrl` (a proxy?), then run `pulumi up` again: it resumes"

_writers: dict[str, threading.Lock] = {}
_writers_lock = threading.Lock()

_ADVICE = {
    "InvalidAccessKeyId": "Check the S3 access key: `runpod:s3AccessKeyId` or RUNPOD_S3_ACCESS_KEY_ID (`user_...`)",
    "SignatureDoesNotMatch": "Check the S3 secret: `runpod:s3SecretAccessKey` or RUNPOD_S3_SECRET_ACCESS_KEY",
    "AccessDenied": "Check the S3 API key: it must be of the account that owns the volume",
    "RequestTimeTooSkewed": "The clock of this machine is wrong by more than an hour: set it",
    "InsufficientStorage": "Grow the volume (its `size`), or delete what is not needed on it",
    "NoSuchBucket": "Check the volume's id and its data center",
    "NotImplemented": "The S3 API of this data center cannot do that",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file on the volume: size in bytes, ETag without quotes."""

    size: int
    etag: str


class VolumeFiles:
    """One volume. Thread-safe. Close it, or use it in a `with` block."""

    def __init__(
        self,
        settings: Settings,
        *,
        data_center: str,
        volume_id: str,
        part_bytes: int | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> None:
        """`part_bytes` instead of the settings': files above it are sent in parts of this size. `attempts` per call,
        with waits in between.

        Raises `SettingsError` without an S3 key, `ValueError` for a data center without S3, or parts that the service
        does not take.
        """
        part_bytes = settings.s3_part_bytes if part_bytes is None else part_bytes
        if data_center not in DATA_CENTERS:
            raise ValueError(f"{data_center} has no S3 API; these have: {', '.join(sorted(DATA_CENTERS))}")
        if not 1 <= part_bytes <= MAX_PART_BYTES:
            raise ValueError(f"a part has 1 to {MAX_PART_BYTES} bytes, got {part_bytes}")
        self.volume_id, self.data_center = volume_id, data_center
        self._settings = settings
        self._key = settings.s3_key
        self._part_bytes, self._attempts = part_bytes, attempts
        self._lock = threading.Lock()
        self._clients: dict[float, S3Client] = {}

    def __enter__(self) -> VolumeFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        while self._clients:
            self._clients.popitem()[1].close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer of this volume in this process: parallel writers may corrupt a volume, says the service."""
        with _writers_lock:
            lock = _writers.setdefault(self.volume_id, threading.Lock())
        with lock:
            yield

    def part_bytes_for(self, size: int) -> int:
        """Size of the parts of a file; files that need more than 10,000 of the usual size get larger ones."""
        return min(MAX_PART_BYTES, max(self._part_bytes, -(-size // MAX_PARTS)))

    def list(self, prefix: str) -> dict[str, RemoteFile]:
        """Files by key. Directories are no files."""
        with self._errors_named(f"LIST {prefix}"):
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=self.volume_id, Prefix=prefix)
            return {
                found["Key"]: RemoteFile(found["Size"], found["ETag"].strip('"'))
                for page in pages
                for found in self._contents(page, prefix)
                if not found["Key"].endswith("/")
            }

    def head(self, key: str) -> RemoteFile | None:
        """None: there is no such file."""
        try:
            with self._errors_named(f"HEAD {key}"):
                found = self._s3().head_object(Bucket=self.volume_id, Key=key)
        except VolumeError as error:
            if error.code in ("404", "NoSuchKey"):
                return None
            raise
        if "ETag" not in found:
            raise self._not_s3(f"HEAD {key}")
        return RemoteFile(found["ContentLength"], found["ETag"].strip('"'))

    def read(self, key: str) -> bytes | None:
        """A small file, whole. None: there is none."""
        try:
            with self._errors_named(f"GET {key}"):
                return self._s3().get_object(Bucket=self.volume_id, Key=key)["Body"].read()
        except VolumeError as error:
            if error.code == "NoSuchKey":
                return None
            raise

    def write(self, key: str, content: bytes) -> None:
        """A small file, whole; read back by size and ETag."""
        with self._errors_named(f"PUT {key}"):
            self._s3().put_object(Bucket=self.volume_id, Key=key, Body=content, ContentMD5=content_md5(content))
        self._confirm(key, RemoteFile(len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()))

    def delete(self, key: str) -> None:
        """Gone already is success. Raises `VolumeError` when the answer is not the documented 204 and it is there."""
        with self._errors_named(f"DELETE {key}"):
            answer = self._s3().delete_object(Bucket=self.volume_id, Key=key)
        if answer["ResponseMetadata"]["HTTPStatusCode"] != 204 and self.head(key) is not None:
            raise self._not_s3(f"DELETE {key}")

    def upload(self, path: Path, key: str, *, pool: ThreadPoolExecutor, on_bytes: OnBytes) -> str:
        """Send a file and return its ETag. In parts where it is large: what an interrupted upload left is not sent
        again. `on_bytes` gets every part that is there, from any thread. Size and ETag are read back at the end."""
        size = path.stat().st_size
        if size <= self._part_bytes:
            with self._errors_named(f"PUT {key}"):
                etag = put_file(self._s3(), self.volume_id, key, path, size=size, on_bytes=on_bytes)
        else:
            etag = self._upload_in_parts(path, key, size, pool=pool, on_bytes=on_bytes)
        self._confirm(key, RemoteFile(size, etag))
        return etag

    def _upload_in_parts(self, path: Path, key: str, size: int, *, pool: ThreadPoolExecutor, on_bytes: OnBytes) -> str:
        with self._errors_named(f"PUT {key}"):
            upload = MultipartUpload(
                self._s3(), self.volume_id, key, path, size=size, part_bytes=self.part_bytes_for(size)
            )
            sums = upload.send(pool, on_bytes)
        with self._errors_named(f"COMPLETE {key}"):
            patience = min(_COMPLETE_TIMEOUT_S, max(self._read_timeout, size / _COMPLETE_BYTES_PER_S))
            return upload.complete(self._s3(read_timeout=patience), sums)

    def _confirm(self, key: str, wanted: RemoteFile) -> None:
        """An answer of success is not enough: a proxy's page would be one, too."""
        found = self.head(key)
        if found != wanted:
            what = "it is not there" if found is None else f"the volume has {found.size} bytes, ETag {found.etag}"
            raise VolumeError(
                f"S3 PUT {key} on volume {self.volume_id} ({self.data_center})",
                f"answered as done, but {what}; expected {wanted.size} bytes, ETag {wanted.etag}",
                advice=_NOT_S3,
            )

    def _contents(self, page: ListObjectsV2OutputTypeDef, prefix: str) -> Sequence[ObjectTypeDef]:
        # Every list names its bucket; without, an empty one might be any page that XML can be read from.
        if "Name" not in page:
            raise self._not_s3(f"LIST {prefix}")
        return page.get("Contents", [])

    def _not_s3(self, action: str) -> VolumeError:
        where = f"S3 {action} on volume {self.volume_id} ({self.data_center})"
        return VolumeError(where, "the answer is not one of S3", advice=_NOT_S3)

    @property
    def _read_timeout(self) -> float:
        return self._settings.timeout if "timeout" in self._settings.model_fields_set else _READ_TIMEOUT_S

    def _s3(self, *, read_timeout: float | None = None) -> S3Client:
        read_timeout = self._read_timeout if read_timeout is None else read_timeout
        with self._lock:
            if read_timeout not in self._clients:
                self._clients[read_timeout] = self._made(read_timeout)
            return self._clients[read_timeout]

    def _made(self, read_timeout: float) -> S3Client:
        require("weights", "An upload to a volume")
        import boto3
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            connect_timeout=self._settings.connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=_CONNECTIONS,
            tcp_keepalive=True,
            s3={"addressing_style": "path"},
            # We send MD5 sums, which the published API compares; newer checksums are not in its documentation.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_extra=USER_AGENT,
        )
        access_key_id, secret = self._key
        # A separate session: neither profiles nor AWS_* variables of the user may have a say.
        session = boto3.Session(aws_access_key_id=access_key_id, aws_secret_access_key=secret)
        return session.client(
            "s3",
            endpoint_url=self._settings.s3_endpoint(self.data_center) or endpoint_url(self.data_center),
            region_name=self.data_center,
            config=config,
        )

    @contextmanager
    def _errors_named(self, action: str) -> Iterator[None]:
        from botocore import exceptions as botocore_errors

        where = f"S3 {action} on volume {self.volume_id} ({self.data_center})"
        try:
            yield
        except botocore_errors.ClientError as error:
            result = error.response.get("Error", {})
            code, message = result.get("Code", "?"), result.get("Message", "")
            reason = f"{code} {message}".strip()
            raise VolumeError(where, reason, code=code, advice=_ADVICE.get(code, "")) from error
        except (botocore_errors.ConnectionError, botocore_errors.HTTPClientError) as error:
            cause = error.kwargs.get("error")
            if isinstance(cause, VolumeError):  # raised by a file of ours while botocore read it
                raise cause from error
            reason = type(error).__name__
            advice = (
                "Check the network, and `runpod:s3EndpointUrl` where it is set; then run `pulumi up` again: it resumes"
            )
            raise VolumeError(where, reason, advice=advice) from error
        except botocore_errors.BotoCoreError as error:
            raise VolumeError(where, f"{type(error).__name__}: {error}") from error
        except OSError as error:
            raise VolumeError(where, f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")) from error
