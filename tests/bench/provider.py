"""What the providers cost: the dynamic one against as many empty dynamic resources, the native one against the dynamic.

Reports only. Run: `.venv/bin/python tests/bench/provider.py [ROUNDS] [RESOURCES...]` (9, and 50 200). In a round the
three take turns, so that a busy machine slows all of them; the figure is the median of the ratios. The local RunPod
answers at once, and its calls are counted: both providers must need the same. Memory is the largest resident set of the
native provider's process during the create.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.install import install
from pulumi_runpod.resources.registration import VARIABLE

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
EMPTY = """
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider


class EmptyProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(props["name"], dict(props))

    def read(self, id_, props):
        return ReadResult(id_, dict(props), dict(props))


class Empty(Resource, module="bench", name="Empty"):
    pass


PROVIDER = EmptyProvider()
"""
OURS = (
    "from pulumi_runpod import NetworkVolume\n"
    "for i in range({}):\n"
    "    NetworkVolume(f'r{{i}}', size=10, data_center='EU-RO-1')\n"
)
PROGRAMS = {
    "floor": "from empty import PROVIDER, Empty\n"
    "for i in range({}):\n"
    "    Empty(PROVIDER, f'r{{i}}', {{'name': f'r{{i}}', 'size': 10, 'data_center': 'EU-RO-1', 'type': 'STANDARD'}})\n",
    "dynamic": OURS,
    "native": OURS,
}
COMMANDS = {
    "create": ("up", "--yes", "--skip-preview"),
    "no-op": ("up", "--yes", "--skip-preview", "--expect-no-changes"),
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
PLUGIN = "pulumi-resource-runpod-serverless"


class Project:
    """A project in its own directory, with a file backend."""

    def __init__(self, base: Path, program: str, environment: dict[str, str]) -> None:
        self.directory = base
        (base / "backend").mkdir(parents=True)
        (base / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        (base / "__main__.py").write_text(program)
        (base / "empty.py").write_text(EMPTY)
        self.environ = {
            **{name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ},
            **environment,
            "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(base),
            "PULUMI_BACKEND_URL": f"file://{base / 'backend'}",
            "PULUMI_HOME": str(base.parent / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.pulumi("stack", "init", "dev")

    def pulumi(self, *arguments: str) -> float:
        """Seconds of wall time. `peak_bytes` holds afterwards what the native provider's process took at most."""
        self.peak_bytes = 0
        began = time.monotonic()
        running = subprocess.Popen(
            [BIN / "pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        while running.poll() is None:
            if self.environ.get(VARIABLE) == "native":
                self.peak_bytes = max(self.peak_bytes, provider_bytes(running.pid))
            time.sleep(0.05)
        took = time.monotonic() - began
        if running.returncode:
            sys.exit(f"pulumi {' '.join(arguments)} ended with {running.returncode}")
        return took

    def state_bytes(self) -> int:
        return (self.directory / "backend/.pulumi/stacks/bench/dev.json").stat().st_size


def provider_bytes(pid: int) -> int:
    """Resident memory of the native provider among the descendants of a process; 0 before it has started."""
    try:
        family = psutil.Process(pid).children(recursive=True)
        return max((p.memory_info().rss for p in family if any(PLUGIN in word for word in p.cmdline())), default=0)
    except psutil.Error:
        return 0


def main() -> None:
    rounds, *sizes = (int(a) for a in (*sys.argv[1:], *("9", "50", "200")[len(sys.argv) - 1 :]))
    for resources in sizes:
        measure(rounds, resources)


def measure(rounds: int, resources: int) -> None:
    taken: dict[str, dict[str, list[float]]] = {c: {side: [] for side in PROGRAMS} for c in COMMANDS}
    calls: dict[str, dict[str, int]] = {c: {} for c in COMMANDS}
    sizes: dict[str, int] = {}
    peak = 0
    with tempfile.TemporaryDirectory() as base, LocalRunPod() as local:
        install(Path(base) / "home")
        for number in range(rounds):
            projects = {
                side: Project(
                    Path(base) / f"{side}{number}",
                    program.format(resources),
                    {**local.environment, VARIABLE: "native" if side == "native" else "dynamic"},
                )
                for side, program in PROGRAMS.items()
            }
            sides = [*projects][number % 3 :] + [*projects][: number % 3]
            for command, arguments in COMMANDS.items():
                if command == "destroy":
                    sizes = {side: project.state_bytes() // resources for side, project in projects.items()}
                for side in sides:
                    local.forget_calls()
                    taken[command][side].append(projects[side].pulumi(*arguments))
                    calls[command][side] = len(local.calls())
                    peak = max(peak, projects[side].peak_bytes)
            local.reset()
    text = ", ".join(f"{side} {size} B" for side, size in sizes.items())
    print(f"{resources} resources, {rounds} rounds; state per resource: {text}; native provider {peak / 1e6:.0f} MB")
    for command, sides_taken in taken.items():
        floor, dynamic, native = (statistics.median(sides_taken[side]) for side in ("floor", "dynamic", "native"))
        print(
            f"{command:8} floor {floor:.2f} s, dynamic {dynamic:.2f} s, native {native:.2f} s; "
            f"dynamic/floor {ratio(sides_taken, 'dynamic', 'floor')}, native/dynamic "
            f"{ratio(sides_taken, 'native', 'dynamic')}; "
            f"calls {calls[command]['dynamic']} and {calls[command]['native']}"
        )


def ratio(taken: dict[str, list[float]], one: str, other: str) -> str:
    """Median of the rounds' ratios, with the smallest and the largest."""
    ratios = [a / b for a, b in zip(taken[one], taken[other], strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
