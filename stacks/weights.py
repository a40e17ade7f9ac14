"""Where the weights come from, in the resource's words."""

from __future__ import annotations

from pulumi_runpod import HuggingFaceSnapshot, LocalDirectory
from stacks.settings import CommonSettings


def weights_source(settings: CommonSettings) -> LocalDirectory | HuggingFaceSnapshot | None:
    result = settings.weights_from
    if result is None:
        return None
    if result.startswith("hf:"):
        return HuggingFaceSnapshot(result.removeprefix("hf:"))
    return LocalDirectory(result)
