"""Which volume a bucket is, and whether more bytes fit on it.

Counting a whole volume for each request would make many small uploads slow. So a count is kept, moved by what passes
through here, and taken anew when it says "full", and every 256 questions, since workers write to volumes, too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.paths import tree_size
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES

_GB = 1_000_000_000
_QUESTIONS_PER_COUNT = 256


@dataclass
class _Count:
    used: int
    questions: int = 0


@dataclass(frozen=True)
class Volume:
    id: str
    directory: Path
    uploads: Path
    """Of unfinished uploads: beside the volumes, where no worker can plant a link. Made when there is one."""
    size: int
    """Bytes."""
    created_at: float


class Volumes:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._counts: dict[str, _Count] = {}

    def of_data_center(self, data_center: str) -> list[Volume]:
        """Newest first."""
        rows = self._platform.store.list(NETWORK_VOLUMES.kind)
        return [self._volume(row) for row in rows if row.body["dataCenter"] == data_center]

    def get(self, volume_id: str, data_center: str) -> Volume:
        """Raises S3Error when there is no such volume in this data center."""
        row = self._platform.store.get(NETWORK_VOLUMES.kind, volume_id)
        if row is None or row.body["dataCenter"] != data_center:
            raise S3Error("NoSuchBucket", f"There is no network volume of this id in {data_center}.")
        return self._volume(row)

    async def require_space(self, volume: Volume, more: int) -> None:
        """Raises S3Error when `more` bytes do not fit."""
        count = self._counts.get(volume.id)
        if count is None or count.questions >= _QUESTIONS_PER_COUNT or count.used + more > volume.size:
            count = self._counts[volume.id] = _Count(await asyncio.to_thread(_used, volume))
        count.questions += 1
        if count.used + more > volume.size:
            raise S3Error(
                "InsufficientStorage",
                f"The volume is full: {count.used} of {volume.size} bytes are used, and {more} more are asked for.",
            )

    def moved(self, volume: Volume, by: int) -> None:
        """Files of this volume grew by so many bytes, or shrank."""
        if count := self._counts.get(volume.id):
            count.used = max(0, count.used + by)

    def _volume(self, row: Row) -> Volume:
        return Volume(
            id=row.id,
            directory=self._platform.volume_dir(row.id),
            uploads=self._platform.uploads_dir(row.id),
            size=row.body["size"] * _GB,
            created_at=float(row.private.get("createdAt", 0.0)),
        )


def _used(volume: Volume) -> int:
    return tree_size(volume.directory) + tree_size(volume.uploads)
