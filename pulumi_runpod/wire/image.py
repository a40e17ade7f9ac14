"""References of images: `HOST/PATH:TAG@DIGEST`. The service takes any text here, and fails when a worker pulls it."""

from __future__ import annotations

import re

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_HOST = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_EXAMPLE = "registry.example.com/team/worker:1.4"


def image_mistake(image: str) -> str | None:
    """What is wrong with a reference, or None. The grammar is that of the OCI distribution project."""
    if any(character.isspace() for character in image):
        return f"holds blanks: write it as {_EXAMPLE}"
    if "://" in image:
        return f"is a URL: write it without {image.partition('://')[0]}://, as {_EXAMPLE}"
    named, at, digest = image.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return "has a malformed digest: it is sha256: and 64 hexadecimal digits, as `docker push` prints it"
    path, colon, tag = named.rpartition(":") if ":" in named.rpartition("/")[2] else (named, "", "")
    if colon and not _TAG.fullmatch(tag):
        return f"has a malformed tag {tag!r}: letters, digits and . _ - (at most 128)"
    parts = path.split("/")
    if len(parts) > 1 and (set(".:") & set(parts[0]) or parts[0] == "localhost"):
        if not _HOST.fullmatch(parts[0]):
            return f"names no registry by {parts[0]!r}: write HOST or HOST:PORT"
        parts = parts[1:]
    for part in parts:
        if part != part.lower():
            return f"must be in lower case, and {part!r} is not"
        if not _COMPONENT.fullmatch(part):
            return f"has a malformed part {part!r}: write it as {_EXAMPLE}"
    return None
