"""Writes the images of a job's output as files: base64 or behind a URL, the format taken from the bytes."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Any

from pulumi_runpod.client.download import download
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.job import Job

_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"\xff\xd8\xff"), "jpg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp"),
    (re.compile(rb"GIF8[79]a"), "gif"),
)
_DATA_URL = re.compile(r"^data:[\w/+.-]+;base64,")


def save_images(job: Job, directory: Path) -> list[Path]:
    """Write every image of `output.images[]` to `directory` (made when missing) and answer the files, in order.

    Raises `RunPodError` when there are none, when one can't be decoded or fetched, or when the directory can't be
    written.
    """
    images = _images(job.output)
    if not images:
        raise RunPodError(f"job {job.id} -> nothing to save: its output has no images[] with an `image` each")
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", job.id)[:100]
    files = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images):
            content = _content(image, f"job {job.id}, image {number}")
            file = directory / f"{stem}-{number}.{_extension(content)}"
            file.write_bytes(content)
            files.append(file)
    except OSError as error:
        raise RunPodError(f"{directory} -> {error.strerror or error}: name a directory that can be written") from error
    return files


def without_images(output: Any) -> Any:
    """The output with what `save_images` has written left out: text for people, not megabytes of base64."""
    if not isinstance(output, dict) or not _images(output):
        return output
    kept = [
        {key: value for key, value in image.items() if key != "image"} if isinstance(image, dict) else {}
        for image in output["images"]
    ]
    return {**output, "images": kept}


def _images(output: Any) -> list[str]:
    found = output.get("images") if isinstance(output, dict) else None
    if not isinstance(found, list):
        return []
    images = [image.get("image") if isinstance(image, dict) else image for image in found]
    return [image for image in images if isinstance(image, str)]


def _content(image: str, which: str) -> bytes:
    if image.startswith(("http://", "https://")):
        return download(image)
    try:
        return base64.b64decode(_DATA_URL.sub("", image), validate=True)
    except (binascii.Error, ValueError):
        raise RunPodError(f"{which} -> neither a URL nor base64: its worker answers in another format") from None


def _extension(content: bytes) -> str:
    return next((name for signature, name in _SIGNATURES if signature.match(content)), "bin")
