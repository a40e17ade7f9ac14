"""A dynamic provider of the tests' own: validates, and can be held in the middle of a create through named pipes."""

from __future__ import annotations

import os
from pathlib import Path

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, Resource, ResourceProvider

PIPES = "PROBE_PIPES"
"""Directory with the pipes `started` and `go`; a create writes to the first and waits for the second."""


class ProbeProvider(ResourceProvider):
    """Accepts sizes up to 100."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, object], news: dict[str, object]) -> CheckResult:
        size = news.get("size")
        if isinstance(size, float) and size > 100:
            return CheckResult(news, [CheckFailure("size", "size must be at most 100")])
        return CheckResult(news, [])

    def create(self, props: dict[str, object]) -> CreateResult:
        pipes = os.environ.get(PIPES)
        if pipes:
            me, shell = os.getpid(), os.getppid()
            (Path(pipes) / "provider").write_text(f"{me} {shell}")
            program = Path(pipes, "program").read_text()
            Path(pipes, "started").write_text(f"provider={me} shell={shell} {program}")
            Path(pipes, "go").read_text()
        return CreateResult("probe-id", props)


class Probe(Resource, module="probe", name="Probe"):
    """A resource with one input."""

    def __init__(self, name: str, size: int, opts: pulumi.ResourceOptions | None = None) -> None:
        pipes = os.environ.get(PIPES)
        if pipes:
            Path(pipes, "program").write_text(f"program={os.getpid()} host={os.getppid()}")
        super().__init__(ProbeProvider(), name, {"size": size}, opts)
