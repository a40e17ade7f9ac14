"""Turns a job's ``image`` or ``image_url`` into pixels.

A job's URL can point anywhere, so it is read through the SDK's guard: public addresses only, https only, within a size
and a time. What comes back is opened as PNG, JPEG or WebP and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import io
import time
from collections.abc import Callable

from PIL import Image, ImageOps, UnidentifiedImageError

from sdxl_worker.failure import Code, JobError
from sdxl_worker.settings import Settings

FETCH_SECONDS = 30.0
_READ_SECONDS = 10
_FORMATS = ("PNG", "JPEG", "WEBP")


def decode(text: str, settings: Settings) -> Image.Image:
    """The image in a base64 string, with or without the head of a data URI.

    Raises:
        JobError: IMAGE_INVALID.
    """
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise JobError(Code.IMAGE_INVALID, "image: is not base64") from None
    return opened("image", content, settings)


def fetch(url: str, settings: Settings, *, give_up: Callable[[], None] = lambda: None) -> Image.Image:
    """The image behind a public https URL.

    Args:
        url: as the job gave it.
        settings: its limits hold.
        give_up: called between parts of the download; raises when the job was stopped.

    Raises:
        JobError: IMAGE_FETCH_BLOCKED, IMAGE_FETCH_FAILED or IMAGE_INVALID.
    """
    # Imported here: it opens no socket, but loads the SDK, which reading a base64 image does not need.
    from requests import RequestException
    from runpod.serverless.utils import rp_ssrf

    deadline = time.monotonic() + FETCH_SECONDS
    content = bytearray()
    try:
        with rp_ssrf.safe_get(url, timeout=_READ_SECONDS, max_bytes=settings.max_input_bytes) as response:
            if not response.url.startswith("https://"):
                raise JobError(Code.IMAGE_FETCH_BLOCKED, "image_url: leads to an address that is not https")
            if response.status_code != 200:
                raise JobError(
                    Code.IMAGE_FETCH_FAILED, f"image_url: the server answered {response.status_code} instead of 200"
                )
            for part in rp_ssrf.iter_content_capped(response, 65_536, settings.max_input_bytes):
                content += part
                give_up()
                if time.monotonic() > deadline:
                    raise JobError(Code.IMAGE_FETCH_FAILED, f"image_url: not read within {FETCH_SECONDS:.0f} seconds")
    except rp_ssrf.SSRFError as error:
        if "size cap" in str(error):
            raise JobError(
                Code.IMAGE_INVALID, f"image_url: the file is larger than {settings.max_input_bytes} bytes"
            ) from None
        # The guard's text can hold an address of the worker's own network: not for the caller.
        raise JobError(Code.IMAGE_FETCH_BLOCKED, "image_url: must lead to a public address") from None
    except (RequestException, OSError) as error:
        raise JobError(Code.IMAGE_FETCH_FAILED, f"image_url: can't be read ({type(error).__name__})") from None
    return opened("image_url", bytes(content), settings)


def opened(field: str, content: bytes, settings: Settings) -> Image.Image:
    """An RGB image, turned as its EXIF data says.

    Raises:
        JobError: IMAGE_INVALID; the size is checked before any pixel is decoded.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        width, height = image.size
        if width * height > settings.max_input_pixels:
            raise JobError(
                Code.IMAGE_INVALID,
                f"{field}: {width} x {height} pixels are more than {settings.max_input_pixels} in all",
            )
        return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise JobError(Code.IMAGE_INVALID, f"{field}: is not a whole PNG, JPEG or WebP file") from None


def target_size(image: Image.Image, *, width: int | None, height: int | None, settings: Settings) -> tuple[int, int]:
    """Size of the result: as asked for, else the image's own shape brought within the limits.

    Returns:
        Width and height in pixels, multiples of 8.

    Raises:
        JobError: IMAGE_INVALID when the shape can't be brought within the limits.
    """
    own_width, own_height = image.size
    if width is None and height is None:
        scale = min(
            1.0,
            settings.max_side / max(own_width, own_height),
            (settings.max_pixels / (own_width * own_height)) ** 0.5,
        )
        width, height = (int(side * scale) // 8 * 8 for side in (own_width, own_height))
    elif width is None and height is not None:
        width = int(height * own_width / own_height) // 8 * 8
    elif height is None and width is not None:
        height = int(width * own_height / own_width) // 8 * 8
    assert width is not None
    assert height is not None
    sides_fit = all(settings.min_side <= side <= settings.max_side for side in (width, height))
    if not sides_fit or width * height > settings.max_pixels:
        raise JobError(
            Code.IMAGE_INVALID,
            f"image: {own_width} x {own_height} pixels give a result of {width} x {height}; sides must be from "
            f"{settings.min_side} to {settings.max_side} and {settings.max_pixels} pixels in all: "
            "give width and height",
        )
    return width, height


def fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image in exactly this size: scaled to fill it, and cut where the shapes differ."""
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)
