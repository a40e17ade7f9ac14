"""A local RunPod with one volume of 10 GB in EU-RO-1, and boto3 as its users have it: no option but where and who."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.s3 import S3Key
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

DATA_CENTER = "EU-RO-1"
ClientMaker = Callable[..., "S3Client"]


def make_volume(runpod: LocalRunPod, *, name: str = "weights", size: int = 10, data_center: str = DATA_CENTER) -> str:
    """A volume as the control plane makes it, without going through HTTP."""

    def make(platform):  # type: ignore[no-untyped-def]
        volume_id = f"vol{len(platform.store.list(NETWORK_VOLUMES.kind)):05d}"
        body = {"id": volume_id, "name": name, "size": size, "dataCenter": data_center, "type": "STANDARD"}
        platform.store.insert(NETWORK_VOLUMES.kind, volume_id, body, {"createdAt": platform.clock.now()})
        platform.volume_dir(volume_id)
        return volume_id

    return runpod.call(make)


@pytest.fixture
def runpod() -> Iterator[LocalRunPod]:
    with LocalRunPod() as running:
        yield running


@pytest.fixture
def volume(runpod: LocalRunPod) -> str:
    return make_volume(runpod)


@pytest.fixture
def folder(runpod: LocalRunPod, volume: str) -> Path:
    """The volume as a worker sees it."""
    return runpod.platform.volume_dir(volume)


@pytest.fixture
def client_for(runpod: LocalRunPod) -> Iterator[ClientMaker]:
    """boto3 clients, closed when the test ends."""
    made: list[S3Client] = []

    def make(*, data_center: str = DATA_CENTER, region: str | None = None, key: S3Key | None = None, **config: object):  # type: ignore[no-untyped-def]
        key = key or runpod.s3_key
        client = boto3.client(
            "s3",
            endpoint_url=runpod.s3_endpoint_url(data_center),
            region_name=region or data_center,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(retries={"max_attempts": 0}, **config),  # type: ignore[arg-type]
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def s3(client_for: ClientMaker) -> S3Client:
    return client_for()
