"""The S3 API of network volumes as published: where it is, its limits, and the manifest that ends an upload.

Source: RunPod's page "S3-compatible API" (storage), August 2026. The region is the data center's id, the bucket the
volume's id, the key the path on the volume. Prefixes and keys are plain text here, never URL-encoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

DATA_CENTERS = frozenset(
    {
        "EU-CZ-1", "EU-RO-1", "EUR-IS-1", "EUR-NO-1", "US-CA-2", "US-GA-2", "US-IL-1", "US-KS-2", "US-MD-1", "US-MO-1",
        "US-MO-2", "US-NC-1", "US-NC-2", "US-NE-1", "US-WA-1",
    }
)  # fmt: skip
"""Data centers whose volumes offer S3."""
MAX_PUT_BYTES = 500_000_000
"""A PutObject is smaller than this; anything else is a multipart upload."""
MAX_PART_BYTES = 500_000_000
"""A part is at most this large. There is no smallest part."""
MAX_PARTS = 10_000
MAX_CLOCK_SKEW_SECONDS = 3600
UPLOADS_FOLDER = ".s3compat_uploads"
"""Hidden folder of a volume in which the parts of unfinished multipart uploads lie."""
MOUNT_PATH = "/runpod-volume"
"""Where a serverless worker finds the volume."""
MANIFEST = "READY.json"
"""Written last into a folder of files that belong together: without it they are not whole."""


def endpoint_url(data_center: str) -> str:
    """The service's own address for a data center."""
    return f"https://s3api-{data_center.lower()}.runpod.io/"


class ManifestFile(BaseModel):
    """One file of a set. `etag` is what the service answered for it, without quotes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    """Relative to the manifest, with `/`."""
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    etag: str | None = None


class Manifest(BaseModel):
    """What `READY.json` holds: every file of the set, so that a reader can tell a whole set from half of one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    files: tuple[ManifestFile, ...]

    @property
    def digest(self) -> str:
        return set_digest((f.path, f.sha256) for f in self.files)


def set_digest(files: Iterable[tuple[str, str]]) -> str:
    """One name for the content of a set of (path, SHA-256), whatever their order."""
    text = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
