"""Fetches a result that a worker left behind a URL. Sends no key: the URL carries its own rights."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from pulumi_runpod.client.transport import PooledTransport
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import RunPodError

MAX_BYTES = 256 * 1024 * 1024


def download(url: str, *, timeout: float = 60.0, transport: httpx.BaseTransport | None = None) -> bytes:
    """The bytes behind an http(s) URL. Raises `RunPodError`; its text has no query, which may be a signature."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RunPodError(f"{parts.scheme or 'no scheme'}: the result is not behind an http or https URL")
    found = bytearray()
    try:
        with (
            httpx.Client(
                transport=transport or PooledTransport(), timeout=timeout, headers={"User-Agent": USER_AGENT}
            ) as http,
            http.stream("GET", url) as response,
        ):
            if not response.is_success:
                raise RunPodError(f"GET {shown} -> {response.status_code}: the URL may have expired; run the job again")
            for chunk in response.iter_bytes():
                found += chunk
                if len(found) > MAX_BYTES:
                    raise RunPodError(f"GET {shown} -> more than {MAX_BYTES} bytes: fetch it by other means")
    except httpx.TransportError as error:
        raise RunPodError(
            f"GET {shown} -> {type(error).__name__}: the result could not be fetched; try again"
        ) from error
    return bytes(found)
