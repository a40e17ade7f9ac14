"""The image's recipe and its locks, read as text: what must hold before anything is built."""

from __future__ import annotations

import io
import re
import tarfile

import pytest
from worker_process import WORKER

DOCKERFILE = (WORKER / "Dockerfile").read_text()
DEPENDENCIES = (WORKER / "dependencies.Dockerfile").read_text()
LOCKS = ["requirements.lock", "requirements-installer.lock", "requirements-test.lock"]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))? \\$")


def instructions(dockerfile: str) -> list[str]:
    return [line for line in dockerfile.splitlines() if line and not line.startswith("#")]


def rules(ignore_file: str) -> list[str]:
    return [line for line in (WORKER / ignore_file).read_text().splitlines() if not line.startswith("#")]


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (WORKER / lock).read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(match[1], set()).add(match[2])
    return found


def test_the_base_is_one_switch() -> None:
    """BASE_IMAGE is before the first FROM and is the only outside image; the code builds on nothing else."""
    below, above = instructions(DEPENDENCIES), instructions(DOCKERFILE)

    assert below[0].startswith("ARG BASE_IMAGE=")
    assert [line.split()[1] for line in below if line.startswith("FROM ")] == ["${BASE_IMAGE}", "${BASE_IMAGE}"]
    assert [line.split()[1] for line in above if line.startswith("FROM ")] == [
        "${DEPENDENCIES}",
        "${DEPENDENCIES}",
        "${WEIGHTS}",
    ]
    assert ":latest" not in DOCKERFILE + DEPENDENCIES


def test_a_change_of_code_needs_nothing_of_the_layers_below() -> None:
    """No step of the code's image runs, and each COPY is its own layer, the code last."""
    lines = instructions(DOCKERFILE)

    assert not [line for line in lines if line.startswith(("RUN", "WORKDIR", "ADD"))]
    assert all(line.startswith("COPY --link ") for line in lines if line.startswith("COPY"))
    assert lines[-3] == "COPY --link sdxl_worker/ /app/sdxl_worker/"


def test_the_code_layer_is_small() -> None:
    """At most 64 KB are pushed for a change of code."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file in sorted((WORKER / "sdxl_worker").rglob("*.py")):
            archive.add(file, file.name)

    assert len(packed.getvalue()) < 64 * 1024


def test_the_worker_runs_as_nobody_special_and_gets_its_signals() -> None:
    """A user without rights, and an exec-form command: SIGTERM must reach Python, not a shell."""
    assert instructions(DOCKERFILE)[-2:] == ["USER 10001:10001", 'CMD ["python3", "-m", "sdxl_worker"]']


def test_dependencies_come_by_hash_alone() -> None:
    """Each installation takes nothing that its lock does not name."""
    assert DEPENDENCIES.count("--require-hashes") == DEPENDENCIES.count("pip install") == 2
    assert "install" not in DOCKERFILE


def test_secrets_are_mounted_and_never_copied() -> None:
    """An extra authority reaches the build as a secret; no key is an argument or a variable."""
    assert "--mount=type=secret,id=ca,required=false" in DEPENDENCIES
    assert not re.search(r"^(ARG|ENV).*(KEY|TOKEN|SECRET|PASSWORD|CERT)", DOCKERFILE + DEPENDENCIES, re.MULTILINE)


def test_the_image_never_downloads_weights() -> None:
    """The libraries are set to stay offline, and no step fetches anything but the locked packages."""
    assert "HF_HUB_OFFLINE=1" in DEPENDENCIES
    assert not re.search(r"\b(curl|wget|git clone|huggingface-cli|snapshot_download)\b", DOCKERFILE + DEPENDENCIES)


def test_a_context_is_an_allow_list() -> None:
    """Only what a Dockerfile copies is sent to the builder, and the locks alone decide about the dependencies."""
    assert rules(".dockerignore") == ["*", "!cuda_floor", "!sdxl_worker", "**/__pycache__"]
    assert rules("dependencies.Dockerfile.dockerignore") == ["*", "!requirements*.lock"]


def test_the_cuda_floor_is_that_of_the_locked_torch() -> None:
    """One file states it, and torch's own CUDA libraries in the lock have that version."""
    floor = (WORKER / "cuda_floor").read_text().strip()
    (runtime,) = pins("requirements.lock")["nvidia-cuda-runtime-cu12"]

    assert runtime.startswith(f"{floor}.")
    assert not re.search(r"\b1[23]\.\d\b", (DOCKERFILE + DEPENDENCIES).replace("python:3.12", ""))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_names_no_index(lock: str) -> None:
    """Each requirement has one version per marker and at least one hash; addresses are the installer's to know."""
    text = (WORKER / lock).read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())

    assert "://" not in text
    assert "--index" not in text
    assert all(PIN.match(block.splitlines()[0]) and "--hash=sha256:" in block for block in blocks)


def test_tests_run_on_what_is_shipped() -> None:
    """The test lock has every pin of the worker's lock, unchanged."""
    shipped, tested = pins("requirements.lock"), pins("requirements-test.lock")

    assert shipped.items() <= tested.items()
    assert shipped["torch"] == {"2.10.0"}
    assert shipped["runpod"] == {"1.12.0"}
