"""Where the state of a team's stacks lies: a folder, or a bucket of an S3 that is not RunPod's (moto's server)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_BUCKET, _REGION = "team-state", "us-east-1"
_LOCKS = ".pulumi/locks/"


class Backend(Protocol):
    @property
    def environment(self) -> Mapping[str, str]:
        """Of every `pulumi` that is to find it."""

    def locks(self) -> list[str]:
        """Paths below the folder of locks."""

    def put_lock(self, path: str, lock: Mapping[str, str | int]) -> None:
        """As another machine would have left it."""


@dataclass(frozen=True)
class FolderBackend:
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PULUMI_BACKEND_URL": f"file://{self.folder}"}

    def locks(self) -> list[str]:
        return [str(file.relative_to(self.folder / _LOCKS)) for file in (self.folder / _LOCKS).rglob("*.json")]

    def put_lock(self, path: str, lock: Mapping[str, str | int]) -> None:
        (self.folder / _LOCKS / path).write_text(json.dumps(lock))


@dataclass(frozen=True)
class BucketBackend:
    endpoint: str
    client: S3Client = field(repr=False)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "PULUMI_BACKEND_URL": f"s3://{_BUCKET}?region={_REGION}&endpoint={self.endpoint}&s3ForcePathStyle=true",
            "AWS_ACCESS_KEY_ID": "team",
            "AWS_SECRET_ACCESS_KEY": "of the team's bucket",
        }

    def keys(self, prefix: str = "") -> list[str]:
        return [
            result["Key"] for result in self.client.list_objects_v2(Bucket=_BUCKET, Prefix=prefix).get("Contents", [])
        ]

    def locks(self) -> list[str]:
        return [key.removeprefix(_LOCKS) for key in self.keys(_LOCKS)]

    def put_lock(self, path: str, lock: Mapping[str, str | int]) -> None:
        self.client.put_object(Bucket=_BUCKET, Key=f"{_LOCKS}{path}", Body=json.dumps(lock).encode())


@contextmanager
def bucket_backend() -> Iterator[BucketBackend]:
    """In a thread of this process, on a free port."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=_REGION,
            aws_access_key_id="team",
            aws_secret_access_key="of the team's bucket",
        )
        client.create_bucket(Bucket=_BUCKET)
        yield BucketBackend(endpoint, client)
    finally:
        server.stop()
