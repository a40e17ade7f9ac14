"""The worker's whole image, gigabytes of it, through `make up`: built, pushed, pulled, run as a container, changed.

`make test-image` runs this, `make test` does not. Builder, registry and engine are those of this machine, which its
clones share. What took how long, and how much disk, is printed, and asserted nowhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.clone import ROOT, Clone, cloned

sys.path.insert(0, str(ROOT / "tools"))

from bootstrap import docker_engine
from bootstrap.image_services import services
from bootstrap.places import this_clone

pytestmark = [pytest.mark.engine, pytest.mark.worker, pytest.mark.timeout(1800)]

CODE_BYTES = 64 * 1024
"""What a change of code may push."""
BUILDER_BYTES = 2 * 10**9
"""What it may keep between builds, of the 16 GB that it had on its disk."""
ASK = """.venv/bin/pulumi-runpod job run --stack dev --input '{"prompt": "a red fox in the snow"}' --save out/"""


class Report:
    """Lines for the end of the run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        disk, begun = _used(), time.monotonic()
        yield
        grown = (_used() - disk) / 1e9
        self.lines.append(f"{what:50} {time.monotonic() - begun:6.1f} s  {grown:+6.1f} GB of disk")


def _used() -> int:
    return shutil.disk_usage(this_clone().cache).used


def blobs() -> dict[str, int]:
    """Size of everything in the machine's registry, by digest."""
    found = (services(this_clone()).directory / "registry").rglob("blobs/sha256/*/*/data")
    return {blob.parent.name: blob.stat().st_size for blob in found}


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    report = Report()
    yield report
    print("", *report.lines, f"the registry holds {sum(blobs().values()) / 1e9:.2f} GB", sep="\n")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], None]) -> Iterator[Clone]:
    if not docker_engine.version():
        pytest.fail("no Docker engine answers: `python3 tools/setup.py --only engine` starts one, as root on Debian")
    copy = cloned(tmp_path_factory.mktemp("newcomer") / "project", copy_project, runtime="")
    copy.done("make setup")
    yield copy
    copy.run("make down")


@pytest.fixture(scope="module")
def deployed(clone: Clone, report: Report) -> str:
    """The image that runs, after its first job."""
    with report.measured("first make up: image built and pushed"):
        clone.done("make up")
    with report.measured("first job: image pulled, container, torch, model"):
        clone.done(ASK)
    return image(clone)


def image(clone: Clone) -> str:
    return str(json.loads(clone.done(".venv/bin/pulumi-runpod endpoint show --stack dev --json"))["image"])


def containers() -> list[str]:
    """References that running containers were made from."""
    asked = ["docker", "ps", "--no-trunc", "--format", "{{.Image}}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def test_a_container_of_the_image_makes_a_picture(deployed: str, clone: Clone) -> None:
    """By digest, out of the registry of this machine, and with a PNG as its answer."""
    (saved,) = (clone.path / "out").glob("*.png")

    assert saved.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert deployed.startswith("127.0.0.1:")
    assert "/sdxl:dev@sha256:" in deployed
    assert deployed in containers()


def test_make_up_again_changes_nothing_and_calls_no_resource_route(deployed: str, clone: Clone, report: Report) -> None:
    """Nothing is built and nothing pushed, though the builder keeps next to nothing."""
    before, calls = blobs(), clone.calls()
    builder = (services(this_clone()).directory / "buildkit").rglob("*")
    assert sum(file.stat().st_size for file in builder if file.is_file()) < BUILDER_BYTES
    with report.measured("make up without a change"):
        text = clone.done("make up")

    assert "unchanged" in text.split("Resources:")[1].split("Duration")[0]
    assert (clone.calls(), blobs(), image(clone)) == (calls, before, deployed)


def test_a_change_of_code_pushes_kilobytes_and_is_live(deployed: str, clone: Clone, report: Report) -> None:
    """The packages are neither built nor pushed again; the next job is done by a container of the new image."""
    before = blobs()
    code = clone.path / "worker" / "sdxl_worker" / "__init__.py"
    code.write_text(f"{code.read_text()}\n# {time.time_ns()}\n")
    with report.measured("make up after a change of code"):
        text = clone.done("make up")
    pushed = {digest: size for digest, size in blobs().items() if digest not in before}
    with report.measured("job on the changed code"):
        clone.done(ASK)
    report.lines.append(f"pushed after a change of code: {sum(pushed.values()) / 1e3:.1f} kB in {len(pushed)} blobs")

    assert 0 < sum(pushed.values()) <= CODE_BYTES
    assert "Image sdxl updated" in text
    assert "Image sdxl-dependencies updated" not in text
    assert image(clone) != deployed
    assert image(clone) in containers()


def test_another_clone_shares_the_packages(
    deployed: str,
    report: Report,
    tmp_path_factory: pytest.TempPathFactory,
    copy_project: Callable[[Path], None],
) -> None:
    """Its first `make up` pushes no layer of packages: one copy per machine."""
    other = cloned(tmp_path_factory.mktemp("second") / "project", copy_project, runtime="")
    other.done("make setup")
    before = blobs()
    try:
        with report.measured("first make up of another clone"):
            other.done("make up")
        pushed = [size for digest, size in blobs().items() if digest not in before]
    finally:
        other.run("make down")

    assert sum(pushed) <= CODE_BYTES


def test_make_down_leaves_no_container(deployed: str, clone: Clone) -> None:
    """And what the clone knew of the machine's services is gone, too."""
    running = image(clone)
    clone.done("make down")

    assert running not in containers()
    assert not (clone.path / ".local" / "images.json").exists()
