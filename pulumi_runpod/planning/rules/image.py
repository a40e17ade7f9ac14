"""Rules about the worker's image."""

from __future__ import annotations

from pulumi_runpod.planning.advice import Finding, Situation
from pulumi_runpod.planning.image_reference import moving_tag


def mutable_tag(situation: Situation) -> Finding | None:
    """Hosts keep what they pulled: under a tag that moves, workers of one endpoint may run different code."""
    image = situation.plan.image
    if image is None or (tag := moving_tag(image)) is None:
        return None
    return Finding(
        f"{image} names {tag}: hosts may run what they pulled under it long ago, and a new push is no new release",
        "name the image by digest (@sha256:...) or by its own tag for every build",
    )
