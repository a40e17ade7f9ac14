"""Outputs of jobs for a page: images as images, and the rest as JSON short enough to be read.

An image is recognised by its first bytes, never by what the job says. Only types that hold no script are served.
"""

from __future__ import annotations

import base64
import binascii
import json

from pydantic_core import from_json

MAX_STRING = 400
MAX_ITEMS = 50
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def images(output: str) -> list[tuple[str, bytes]]:
    """`(media type, bytes)` of the images in an output's JSON text: `images[].image`, `images[]` or `image`, as base64
    or as a `data:` URL. Others are left out."""
    value = from_json(output)
    if not isinstance(value, dict):
        return []
    listed = value.get("images")
    candidates = listed if isinstance(listed, list) else [value.get("image")]
    found = (_image(c.get("image") if isinstance(c, dict) else c) for c in candidates)
    return [image for image in found if image is not None]


def shortened(text: str) -> str:
    """JSON text with long strings and lists cut, each cut marked."""
    return json.dumps(_short(from_json(text)), indent=2, ensure_ascii=False)


def _image(value: object) -> tuple[str, bytes] | None:
    if not isinstance(value, str):
        return None
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp", content
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    return (kind, content) if kind is not None else None


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_STRING:
        return f"{value[:80]}… ({len(value):,} characters)"
    if isinstance(value, list):
        kept: list[object] = [_short(item) for item in value[:MAX_ITEMS]]
        return [*kept, f"… ({len(value) - MAX_ITEMS:,} more)"] if len(value) > MAX_ITEMS else kept
    if isinstance(value, dict):
        return {str(key): _short(item) for key, item in value.items()}
    return value
