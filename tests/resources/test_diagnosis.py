"""Log lines of workers that do not come up, as the service, Docker and NVIDIA write them, each to its cause."""

from __future__ import annotations

import pytest

from pulumi_runpod.resources.diagnosis import diagnose
from pulumi_runpod.wire.log import LogLine

START = "start container for registry.example.com/team/worker:1: begin"


def lines(*system: str, container: tuple[str, ...] = ()) -> list[LogLine]:
    items = [("system", line) for line in system] + [("container", line) for line in container]
    return [LogLine(ts="2026-06-01T12:00:00Z", source=source, line=line) for source, line in items]


@pytest.mark.parametrize(
    ("system", "cause", "certain"),
    [
        (["image pull: registry.example.com/team/worker:9: not found; next start in 1 s"], "image", True),
        (['image pull: x: failed: Get "http://x/v2/": no basic auth credentials; next start in 1 s'], "image", True),
        (["image pull: x: failed: write /var/lib/docker/tmp/a: no space left on device"], "space", False),
        (["error pulling image: manifest unknown: manifest unknown"], "image", True),
        (
            ["pull access denied for team/worker, repository does not exist or may require 'docker login'"],
            "image",
            True,
        ),
        (
            ["image pull: x: complete", "start container: the host's CUDA version does not meet the image's"],
            "cuda",
            True,
        ),
        (["nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update"], "cuda", True),
        ([START, "container exited with code 1; next start in 1 s"], "crash loop", False),
        ([START, "container exited with code 1", START, "container exited with code 1"], "crash loop", True),
        ([START, START, START], "crash loop", True),
        ([START, "container exited with code 137", START, "container exited with code 137"], "memory", True),
        (
            ["image pull: x: not found", "image pull: x: complete", START, "container exited with code 3"],
            "crash loop",
            False,
        ),
        (["image pull: x: pending"], "unknown", False),
        ([], "unknown", False),
    ],
)
def test_the_cause_is_read_from_what_went_wrong_last(system: list[str], cause: str, certain: bool) -> None:
    """And it is certain only where another look would not change it."""
    found = diagnose(lines(*system))

    assert (found.cause, found.certain) == (cause, certain)


def test_what_the_container_said_last_is_shown_in_one_line() -> None:
    """The person needs the exception, not the whole log; and not a line of ten thousand characters."""
    text = str(diagnose(lines(START, START, container=("loading", "ImportError: no module named torch", "x" * 9999))))

    assert "\n" not in text
    assert "ImportError: no module named torch" in text
    assert len(text) < 1500
