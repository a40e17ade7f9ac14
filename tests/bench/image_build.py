"""What `pulumi up` costs above the builder: a change of the SDXL worker's code through `WorkerImage`, against the very
same build and push by `buildctl` alone. Reports only.

Run: `.venv/bin/python tests/bench/image_build.py [PAIRS]` (7). Pairs are interleaved, so that a busy machine slows
both; the figures are medians. Builder and registry are real, and the bench's own. The packages below the code are left
out, of which a change of code touches nothing but their name.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from bootstrap import image_toolchain  # noqa: E402 - found through the path set above
from bootstrap.image_services import NAME, ImageServices  # noqa: E402 - as above
from bootstrap.image_toolchain import ImageTools  # noqa: E402 - as above
from bootstrap.places import this_clone  # noqa: E402 - as above
from tests.registry_server import RegistryServer  # noqa: E402 - as above

PROGRAM = """
import pulumi
from pulumi_runpod.components import WorkerImage, WorkerImageArgs
image = WorkerImage("worker", WorkerImageArgs(repository={repository!r}, source={source!r}, builder={builder!r}))
pulumi.export("ref", image.ref)
"""
STEP = re.compile(r"Image worker (?:created|updated) \(([\d.]+)s\)")


class Bench:
    def __init__(self, base: Path, tools: ImageTools, address: str) -> None:
        self.base, self.tools, self.repository = base, tools, f"{address}/team/worker"
        self.services = ImageServices(base / "b")
        self.source = base / "worker"
        shutil.copytree(ROOT / "worker", self.source, ignore=shutil.ignore_patterns("__pycache__"))
        (self.source / "dependencies.Dockerfile").write_text("FROM scratch\nCOPY requirements.lock /packages\n")
        self.project = base / "project"
        (self.project / "backend").mkdir(parents=True)
        (self.project / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        fields = {"repository": self.repository, "source": str(self.source), "builder": NAME}
        (self.project / "__main__.py").write_text(PROGRAM.format(**fields))
        self.environ = {
            **os.environ,
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "DOCKER_CONFIG": str(base / "docker"),
            "PULUMI_BACKEND_URL": f"file://{self.project / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.environ.pop("BUILDX_CONFIG", None)

    def change(self, number: int) -> None:
        code = self.source / "sdxl_worker" / "__init__.py"
        code.write_text(f"{code.read_text()}\n# {number}\n")

    def up(self) -> tuple[float, float]:
        """Seconds of the whole command, and of the image's step in it."""
        began = time.monotonic()
        out = self._run(["pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive"])
        whole = time.monotonic() - began
        result = STEP.search(out)
        assert result is not None, out
        return whole, float(result[1])

    def buildctl(self, dependencies: str) -> float:
        """Seconds of the same build, pushed to another name."""
        name = f"{self.repository}-alone:dev"
        began = time.monotonic()
        self._run(
            [
                *(str(self.tools.buildctl), "--addr", f"unix://{self.services.socket}", "build"),
                *("--frontend", "dockerfile.v0", "--opt", "platform=linux/amd64"),
                *("--local", f"context={self.source}", "--local", f"dockerfile={self.source}"),
                *("--opt", f"build-arg:DEPENDENCIES={dependencies}", "--opt", "build-arg:SOURCE_DATE_EPOCH=0"),
                "--output",
                f"type=image,name={name},push=true,oci-mediatypes=true,compression=gzip,rewrite-timestamp=true",
            ]
        )
        return time.monotonic() - began

    def dependencies(self) -> str:
        """Reference of the lower image, as the program has it."""
        out = self._run(["pulumi", "stack", "export", "--stack", "dev"])
        return next(ref for ref in re.findall(r'"ref": "([^"]+)"', out) if ":dependencies@" in ref)

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=self.project, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def measure(self, pairs: int) -> None:
        os.environ["DOCKER_CONFIG"] = self.environ["DOCKER_CONFIG"]
        os.environ.pop("BUILDX_CONFIG", None)
        self.services.start_builder(self.tools)
        try:
            self._run(["pulumi", "stack", "init", "dev"])
            self.up()
            below = self.dependencies()
            found = []
            for number in range(pairs):
                self.change(2 * number)
                alone = self.buildctl(below)
                self.change(2 * number + 1)
                found.append((*self.up(), alone))
        finally:
            self.services.builder.stop()
        whole, step, alone = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"buildctl alone {alone:.2f} s; image in pulumi up {step:.2f} s; whole pulumi up {whole:.2f} s")
        print(
            f"image / buildctl: {statistics.median(step / alone for _, step, alone in found):.2f} (goal: at most 1.2)"
        )


def main() -> None:
    tools = image_toolchain.find_tools(this_clone())
    if tools is None or tools.buildctl is None or not image_toolchain.plugin_folder().is_dir():
        print("no builder, registry or plugin for images here; as root: python3 tools/setup.py --only images")
        return
    with tempfile.TemporaryDirectory(prefix="pr-image-") as directory:
        base = Path(directory)
        with RegistryServer(tools.registry, base / "registry") as registry:
            Bench(base, tools, registry.address).measure(int(sys.argv[1]) if sys.argv[1:] else 7)


if __name__ == "__main__":
    main()
