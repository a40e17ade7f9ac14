"""Why a worker does not come up, read from its log lines. Pure; says "unknown" rather than guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi_runpod.wire.log import LogLine

Cause = Literal["image", "space", "cuda", "memory", "crash loop", "unknown"]

_IMAGE = re.compile(
    r"(image pull|pull(ing)? image|image).*(not found|denied|unauthorized|fail|error)"
    r"|manifest unknown|pull access denied|ErrImagePull|repository does not exist|no such image",
    re.IGNORECASE,
)
_SPACE = re.compile(r"no space left on device", re.IGNORECASE)
_CUDA = re.compile(
    r"unsatisfied condition: cuda|CUDA version|CUDA driver version is insufficient|nvidia-container-cli: requirement",
    re.IGNORECASE,
)
_MEMORY = re.compile(r"out of memory|oom-?kill|exited with code 137", re.IGNORECASE)
_EXIT = re.compile(r"exited with code (-?\d+)|container (exited|died|crashed)", re.IGNORECASE)
_START = re.compile(r"start container", re.IGNORECASE)

_SHOWN_LINES, _LINE_LENGTH = 5, 200
# From so many failed starts on it is a loop, and no accident.
_LOOP = 2

_TEXT: dict[Cause, str] = {
    "image": "its image cannot be pulled: check the image's name and tag, and the registry credential",
    "space": "its host has no space left for the image, or for what the container writes",
    "cuda": "no host meets its CUDA requirement: set gpu.min_cuda_version to what the image needs, or rebuild it",
    "memory": "its container runs out of memory while it starts",
    "crash loop": "its container ends before it is ready, again and again",
    "unknown": "its worker is UNHEALTHY",
}


@dataclass(frozen=True)
class Diagnosis:
    """`certain`: another look would not change it."""

    cause: Cause
    certain: bool
    lines: tuple[str, ...] = ()
    """The last ones, shortened, oldest first."""

    def __str__(self) -> str:
        result = _TEXT[self.cause]
        return f"{result}. Last log lines: {' | '.join(self.lines)}" if self.lines else result


def diagnose(lines: Sequence[LogLine]) -> Diagnosis:
    """From the lines of one worker, oldest first, of both sources."""
    system = [line.line for line in lines if line.source == "system"]
    failed_starts = max(_count(_EXIT, system), _count(_START, system) - 1)
    last = tuple(line.line.strip()[:_LINE_LENGTH] for line in lines if line.line.strip())[-_SHOWN_LINES:]
    # What went wrong last counts: an image that was missing once may be there by now.
    for line in reversed([line.line for line in lines]):
        if _CUDA.search(line):
            return Diagnosis("cuda", certain=True, lines=last)
        if _SPACE.search(line):
            return Diagnosis("space", certain=failed_starts >= _LOOP, lines=last)
        if _IMAGE.search(line):
            return Diagnosis("image", certain=True, lines=last)
        if _MEMORY.search(line):
            return Diagnosis("memory", certain=failed_starts >= _LOOP, lines=last)
        if _EXIT.search(line):
            break
    if failed_starts >= 1:
        return Diagnosis("crash loop", certain=failed_starts >= _LOOP, lines=last)
    return Diagnosis("unknown", certain=False, lines=last)


def _count(pattern: re.Pattern[str], lines: Sequence[str]) -> int:
    return sum(1 for line in lines if pattern.search(line))
