"""The image's recipe and its locks, read as text: what must hold before anything is built."""

from __future__ import annotations

import io
import re
import tarfile

import pytest
from worker_process import WORKER

DOCKERFILE = (WORKER / "Dockerfile").read_text()
LINES = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
LOCKS = ["requirements.lock", "requirements-test.lock"]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))? \\$")


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (WORKER / lock).read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(match[1], set()).add(match[2])
    return found


def test_the_base_is_one_switch() -> None:
    """BASE_IMAGE stands before the first FROM and is the only outside image."""
    assert LINES[0].startswith("ARG BASE_IMAGE=")
    bases = [line.split()[1] for line in LINES if line.startswith("FROM ")]
    assert bases == ["${BASE_IMAGE}", "${BASE_IMAGE}", "runtime", "runtime", "${WEIGHTS}"]
    assert ":latest" not in DOCKERFILE


def test_the_code_is_the_last_layer() -> None:
    """A change of code pushes that layer alone: dependencies and weights come before it."""
    copies = [line for line in LINES if line.startswith("COPY ")]

    assert copies[-1] == "COPY sdxl_worker/ /app/sdxl_worker/"
    assert LINES.index(copies[-1]) > max(n for n, line in enumerate(LINES) if line.startswith("RUN "))


def test_the_code_layer_is_small() -> None:
    """At most 64 KB are pushed for a change of code."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file in sorted((WORKER / "sdxl_worker").rglob("*.py")):
            archive.add(file, file.name)

    assert len(packed.getvalue()) < 64 * 1024


def test_the_worker_runs_as_nobody_special_and_gets_its_signals() -> None:
    """A user without rights, and an exec-form command: SIGTERM must reach Python, not a shell."""
    assert LINES[-2:] == ["USER 10001:10001", 'CMD ["python3", "-m", "sdxl_worker"]']


def test_dependencies_come_by_hash_alone() -> None:
    """pip takes nothing that the lock does not name."""
    assert "--require-hashes" in DOCKERFILE
    assert DOCKERFILE.count("pip install") == 1


def test_secrets_are_mounted_and_never_copied() -> None:
    """An extra authority reaches the build as a secret; no key is an argument or a variable."""
    assert "--mount=type=secret,id=ca,required=false" in DOCKERFILE
    assert not re.search(r"^(ARG|ENV).*(KEY|TOKEN|SECRET|PASSWORD|CERT)", DOCKERFILE, re.MULTILINE)


def test_the_image_never_downloads_weights() -> None:
    """The libraries are told to stay offline, and no step fetches anything but the locked packages."""
    assert "HF_HUB_OFFLINE=1" in DOCKERFILE
    assert not re.search(r"\b(curl|wget|git clone|huggingface-cli|snapshot_download)\b", DOCKERFILE)


def test_the_context_is_an_allow_list() -> None:
    """Only what the Dockerfile copies is sent to the builder."""
    rules = [line for line in (WORKER / ".dockerignore").read_text().splitlines() if not line.startswith("#")]

    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {"!cuda_floor", "!requirements*.lock", "!sdxl_worker"}


def test_the_cuda_floor_is_that_of_the_locked_torch() -> None:
    """One file states it, and torch's own CUDA libraries in the lock have that version."""
    floor = (WORKER / "cuda_floor").read_text().strip()
    (runtime,) = pins("requirements.lock")["nvidia-cuda-runtime-cu12"]

    assert runtime.startswith(f"{floor}.")
    assert not re.search(r"\b1[23]\.\d\b", DOCKERFILE.replace("python:3.12", ""))


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
