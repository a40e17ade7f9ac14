"""Where the weights come from, in the resource's words."""

from __future__ import annotations

from pulumi_runpod import HuggingFaceSnapshot, LocalDirectory
from stacks.settings import CommonSettings


def weights_source(settings: CommonSettings) -> LocalDirectory | HuggingFaceSnapshot | None:
    told = settings.weights_from
    if told is None:
        return None
    if told.startswith("hf:"):
        return HuggingFaceSnapshot(told.removeprefix("hf:"))
    return LocalDirectory(told)
