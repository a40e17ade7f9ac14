"""A file behind a URL, fetched to the user's cache and checked against its SHA-256. Resumes where it stopped.

Sends no key. Texts show the URL without its query, which may be a signature.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx

from pulumi_runpod.client.file_digests import cache_dir
from pulumi_runpod.client.transport import PooledTransport
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import RunPodError

_ATTEMPTS = 5
_TIMEOUT_S = 60.0


@contextmanager
def fetched(url: str, sha256: str, *, folder: Path | None = None) -> Iterator[Path]:
    """The file, for the length of the block; then it is deleted. A download cut off goes on with the next call.

    Raises `RunPodError`: the URL does not answer with it, or what came has another SHA-256.
    """
    shown = urlsplit(url)._replace(query="", fragment="").geturl()
    place = (folder or cache_dir() / "downloads") / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _sha256(place) != sha256:
            _fetch(url, shown, file)
            found = _sha256(place)
            if found != sha256:
                file.truncate(0)
                raise RunPodError(f"GET {shown} -> a file of SHA-256 {found}, not {sha256}: check URL and checksum")
        yield place
        place.unlink()


def _fetch(url: str, shown: str, file: IO[bytes]) -> None:
    failure = ""
    with httpx.Client(
        transport=PooledTransport(), timeout=_TIMEOUT_S, headers={"User-Agent": USER_AGENT}, follow_redirects=True
    ) as http:
        for _ in range(_ATTEMPTS):
            have = file.seek(0, 2)
            try:
                with http.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as response:
                    if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                        file.truncate(0)
                        continue
                    if not response.is_success:
                        raise RunPodError(f"GET {shown} -> {response.status_code}: check the URL")
                    if response.status_code != httpx.codes.PARTIAL_CONTENT:
                        file.truncate(0)
                    file.writelines(response.iter_raw())
                file.flush()
            except httpx.TransportError as error:
                failure = type(error).__name__
                continue
            return
    raise RunPodError(f"GET {shown} -> {failure or 'no whole answer'} {_ATTEMPTS} times: try again, it resumes")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
