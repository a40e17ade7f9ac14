"""The comment of three stacks with 50 resources each, against the slowest preview alone. Reports only.

Run: `.venv/bin/python tests/bench/preview_comment.py [PAIRS]` (5). A pair is the three previews, each alone, and the
comment, every other pair the other way round. The figure is the median of the ratios.

Three engines, programs and providers need three times the processor time of one. With few cores that, and not
waiting, is what the comment takes. Its processor time is reported too; other work on the machine slows the comment
more than a preview alone.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from provider import BIN, Project

from pulumi_runpod.emulator.local import LocalRunPod

STACKS = ("dev", "staging", "prod")
PROGRAM = """
import pulumi

from pulumi_runpod import NetworkVolume, RegistryCredential, Template

tag = pulumi.Config().get("tag") or "1"
for i in range(10):
    NetworkVolume(f"volume-{i}", size=10, data_center="EU-RO-1")
    RegistryCredential(f"registry-{i}", username="robot", password="local")
for i in range(30):
    Template(f"template-{i}", image=f"registry.example.com/team/worker:{tag if i % 2 else 1}")
"""


@dataclass(frozen=True)
class Taken:
    wall: float
    processor: float


def taken(project: Project, *command: str) -> Taken:
    """Of the command and every process that it starts and waits for."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=project.directory,
        env=project.environ,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(time.monotonic() - began, spent)


def alone(project: Project) -> Taken:
    """The slowest."""
    preview = [
        taken(project, "pulumi", "preview", "--json", "--refresh=true", "--stack", stack, "--non-interactive")
        for stack in STACKS
    ]
    return max(preview, key=lambda one: one.wall)


def comment(project: Project) -> Taken:
    return taken(project, "pulumi-runpod", "preview-comment", "--stacks", ",".join(STACKS))


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    single, together = [], []
    with tempfile.TemporaryDirectory() as base, LocalRunPod() as local:
        project = Project(Path(base) / "project", PROGRAM, local.environment)
        for stack in STACKS:
            if stack != "dev":
                project.pulumi("stack", "init", stack)
            project.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
            project.pulumi("config", "set", "tag", "2", "--stack", stack)
        for pair in range(pairs):
            if pair % 2:
                together.append(comment(project))
                single.append(alone(project))
            else:
                single.append(alone(project))
                together.append(comment(project))
            ratio = together[-1].wall / single[-1].wall
            print(f"alone {single[-1].wall:.2f} s, comment {together[-1].wall:.2f} s, ratio {ratio:.2f}", flush=True)
    cores = len(os.sched_getaffinity(0))
    ratios = [one.wall / other.wall for one, other in zip(together, single, strict=True)]
    wall = statistics.median(one.wall for one in single)
    processor, all_together = (statistics.median(one.processor for one in result) for result in (single, together))
    least = all_together / cores
    print(f"median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {pairs} pairs")
    print(
        f"alone {wall:.2f} s, {processor:.2f} s of processor; comment {all_together:.2f} s of processor, "
        f"so that {cores} cores of one's own need at least {least:.2f} s"
    )


if __name__ == "__main__":
    main()
