"""What the provider costs above the engine: resources of ours against as many empty dynamic resources. Reports only.

Run: `.venv/bin/python tests/bench/provider.py [PAIRS] [RESOURCES]` (9 and 50). Pairs are interleaved, so that a busy
machine slows both; the figure is the median of the ratios. The local RunPod answers at once.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pulumi_runpod.emulator.local import LocalRunPod

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
PROGRAMS = {
    "floor": "from empty import PROVIDER, Empty\n"
    "for i in range({}):\n"
    "    Empty(PROVIDER, f'r{{i}}', {{'name': f'r{{i}}', 'size': 10, 'data_center': 'EU-RO-1', 'type': 'STANDARD'}})\n",
    "ours": "from pulumi_runpod import NetworkVolume\n"
    "for i in range({}):\n"
    "    NetworkVolume(f'r{{i}}', size=10, data_center='EU-RO-1')\n",
}
COMMANDS = {
    "create": ("up", "--yes", "--skip-preview"),
    "no-op": ("up", "--yes", "--skip-preview", "--expect-no-changes"),
    "refresh": ("refresh", "--yes", "--skip-preview"),
}


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
        """Seconds of wall time."""
        began = time.monotonic()
        subprocess.run(
            [BIN / "pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environ,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return time.monotonic() - began

    def state_bytes(self) -> int:
        return (self.directory / "backend/.pulumi/stacks/bench/dev.json").stat().st_size


def main() -> None:
    pairs, resources = (int(a) for a in (*sys.argv[1:], *("9", "50")[len(sys.argv) - 1 :]))
    taken: dict[str, dict[str, list[float]]] = {c: {"floor": [], "ours": []} for c in COMMANDS}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as base, LocalRunPod() as local:
        for pair in range(pairs):
            projects = {
                side: Project(Path(base) / f"{side}{pair}", program.format(resources), local.environment)
                for side, program in PROGRAMS.items()
            }
            for command, arguments in COMMANDS.items():
                for side in sorted(projects, reverse=bool(pair % 2)):
                    taken[command][side].append(projects[side].pulumi(*arguments))
            sizes = {side: project.state_bytes() // resources for side, project in projects.items()}
            local.reset()
    print(f"{resources} resources, {pairs} pairs; state per resource: {sizes['ours']} B (floor {sizes['floor']} B)")
    for command, sides in taken.items():
        ratios = [one / other for one, other in zip(sides["ours"], sides["floor"], strict=True)]
        floor, ours = (statistics.median(sides[side]) for side in ("floor", "ours"))
        print(
            f"{command:8} floor {floor:.2f} s, ours {ours:.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
