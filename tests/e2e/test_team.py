"""How a team starts, as the README has it: four stacks side by side in a fresh copy, an image on its way to prod.

Everything is real: set-up, engine, local RunPod, and worker processes that run `diffusers` on the tiny model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clone import Clone, cloned, readme_blocks

pytestmark = [pytest.mark.engine, pytest.mark.worker, pytest.mark.timeout(900)]
STACKS = ["platform", "dev", "staging", "prod"]
JOB = """.venv/bin/pulumi-runpod job run --stack prod --input '{"prompt": "a hare"}'"""
SETTINGS = "stacks/Pulumi.staging.yaml"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], None]) -> Iterator[Clone]:
    copy = cloned(tmp_path_factory.mktemp("team") / "project", copy_project)
    yield copy
    copy.run(".venv/bin/pulumi-runpod emulator stop --state .local/runpod")


@pytest.fixture(scope="module")
def commands() -> list[str]:
    """The README's two blocks for teams: the start, and the way of the next image."""
    blocks = readme_blocks(about=lambda block: "STACK=" in block)
    assert len(blocks) == 2
    return [f"set -e\n{block}" for block in blocks]


def summaries(text: str) -> list[dict[str, str]]:
    """What each `make preview-all` of a text says at its end: stack -> plan."""
    found = [re.findall(rf"^({'|'.join(STACKS)}) +(.+)$", end, re.MULTILINE) for end in text.split(" all stacks ")[1:]]
    return [dict(lines) for lines in found]


def outputs(clone: Clone, stack: str) -> dict[str, Any]:
    result = clone.done(f"PULUMI_CONFIG_PASSPHRASE= .venv/bin/pulumi stack output --json --stack {stack}")
    return dict(json.loads(result))


def test_all_stacks_are_previewed_before_any_is_deployed(clone: Clone) -> None:
    """What one has only after another's update is unknown, and said. No call reaches a resource; no file is changed."""
    files = {file: file.read_text() for file in (clone.path / "stacks").iterdir() if file.is_file()}
    text = clone.done("make preview-all")
    (result,) = summaries(text)

    assert list(result) == STACKS
    assert all(re.fullmatch(r"\d+ to create", plan) for plan in result.values()), result
    assert "stack staging has no output image yet, so that it is unknown in this preview" in text
    assert clone.calls() == []
    assert {file: file.read_text() for file in files} == files


def test_an_image_goes_from_staging_to_prod_by_the_commands_of_the_readme(clone: Clone, commands: list[str]) -> None:
    """Both times prod runs the digest of staging, on the platform's volume; the endpoint stays and answers."""
    clone.done(commands[0])
    first = {stack: outputs(clone, stack) for stack in STACKS}
    set_in_staging, previewed_again = summaries(clone.done(commands[1]))
    second = {stack: outputs(clone, stack) for stack in STACKS}
    job = json.loads(clone.done(f"{JOB} --json"))

    assert first["prod"]["image"] == first["staging"]["image"]
    assert second["prod"]["image"] == second["staging"]["image"] != first["staging"]["image"]
    assert second["prod"]["endpoint_id"] == first["prod"]["endpoint_id"]
    assert first["prod"]["volume_ids"] == list(first["platform"]["volumes"].values())
    assert [stack for stack, plan in set_in_staging.items() if plan != "unchanged"] == ["staging"]
    assert [stack for stack, plan in previewed_again.items() if plan != "unchanged"] == ["prod"]
    assert job["status"] == "COMPLETED"


def test_one_stack_that_fails_hides_no_other_and_fails_the_whole(clone: Clone) -> None:
    """All its mistakes are reported; the other previews are there."""
    file = clone.path / SETTINGS
    good = file.read_text()
    file.write_text(good.replace("config:\n", "config:\n  runpod-sdxl:workersMax: many\n  runpod-sdxl:guard: high\n"))
    failed = clone.run("make preview-all")
    file.write_text(good)
    (result,) = summaries(failed.stdout)

    assert failed.returncode != 0
    assert {stack for stack, plan in result.items() if plan == "FAILED"} == {"staging"}
    assert list(result) == STACKS
    assert failed.stdout.count("pulumi config set workersMax 3 --stack staging") >= 1
    assert failed.stdout.count("pulumi config set guard warn --stack staging") >= 1
    assert "Traceback" not in failed.stdout + failed.stderr


def test_a_stack_moves_from_the_local_runpod_to_an_account(clone: Clone) -> None:
    """As the README says: nothing local stays in its file; the key is encrypted with a passphrase of the team."""
    file = clone.path / "stacks" / "Pulumi.dev.yaml"
    good = file.read_text()
    local = "PULUMI_CONFIG_PASSPHRASE= .venv/bin/pulumi"
    own = "PULUMI_CONFIG_PASSPHRASE=our-own .venv/bin/pulumi"
    clone.done(f"make up && make down && {local} stack rm --preserve-config --yes --stack dev")
    kept = [line for line in good.splitlines() if "runpod:" not in line and "encryptionsalt" not in line]
    file.write_text("\n".join(kept) + "\n")
    clone.done(f"{own} stack init dev && {own} config set --secret runpod:apiKey rpa_1234 --stack dev")
    moved, key = file.read_text(), clone.done(f"{own} config get runpod:apiKey --stack dev")
    without_it = clone.run(f"{local} config get runpod:apiKey --stack dev")
    clone.done(f"{own} stack rm --preserve-config --yes --stack dev")
    file.write_text(good)

    assert "127.0.0.1" not in moved
    assert "rpa_1234" not in moved
    assert key.strip() == "rpa_1234"
    assert "incorrect passphrase" in without_it.stderr


def test_the_platform_is_taken_down_once_its_volumes_are_given_up(clone: Clone) -> None:
    """After the services that use them. Protected, they stop the destroy."""
    clone.done("STACK=prod make down && STACK=staging make down && STACK=platform make up")
    refused = clone.run("STACK=platform make down")
    clone.done(".venv/bin/pulumi config set protectVolume false --stack platform")
    clone.done("STACK=platform make up && STACK=platform make down")

    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
