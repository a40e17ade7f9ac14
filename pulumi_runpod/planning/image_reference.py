"""Whether an image reference is well-formed, and whether it stays what it is: a digest does; a tag is trusted when it
looks like a build.
"""

from __future__ import annotations

from pulumi_runpod.wire.image import image_mistake

__all__ = ["image_mistake", "moving_tag"]


def moving_tag(image: str) -> str | None:
    """What moves in a reference, in words: `no tag`, `tag latest`; None for a digest or a tag that names a build.

    A tag without any digit (`latest`, `main`, `dev`) names a branch or an environment, not a build.
    """
    if "@" in image:
        return None
    last = image.rsplit("/", 1)[-1]
    if ":" not in last:
        return "no tag, which means latest"
    tag = last.split(":", 1)[1]
    return None if any(character.isdigit() for character in tag) else f"tag {tag}"
