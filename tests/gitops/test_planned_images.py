"""`deploy --by-digest` deploys the digest that was reviewed, whatever the program declares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_runpod.cli.deploy import _check_plan
from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.workspace import Workspace

NAME = "registry.example.com/team/worker"
REVIEWED = f"{NAME}@sha256:{'a' * 64}"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Pulumi's word for a value that a preview does not know."""


def project(folder: Path, images: dict[str, str], *, fails: bool = False) -> Project:
    """Whose `pulumi preview --json` plans an endpoint of each name with that image."""
    steps = [
        {
            "op": op,
            "newState": {
                "type": "pulumi-python:dynamic/runpod:Endpoint",
                "urn": f"urn:pulumi:prod::shop::pulumi-python:dynamic/runpod:Endpoint::{name}",
                "inputs": {"image": image},
            },
        }
        for op, (name, image) in zip(("create", "same", "update", "replace"), images.items(), strict=False)
    ]
    (folder / "plan.json").write_text(json.dumps({"steps": [*steps, {"op": "delete", "oldState": {}}]}))
    command = folder / "pulumi"
    command.write_text(f"#!/bin/sh\n{'exit 255' if fails else f'cat {folder}/plan.json'}\n")
    command.chmod(0o755)
    return Project(Workspace(folder, str(command), {"PATH": "/usr/bin:/bin"}))


@pytest.mark.parametrize("image", [f"{NAME}@sha256:{'b' * 64}", f"{NAME}:1.4", NAME])
def test_a_program_that_declares_another_image_is_refused(tmp_path: Path, image: str) -> None:
    """Before anything is done, by the name of the endpoint, unchanged ones included."""
    with pytest.raises(RunPodError) as refused:
        _check_plan(project(tmp_path, {"right": REVIEWED, "wrong": image}), "prod", REVIEWED)

    assert f"stack prod: image names sha256:{'a' * 64}, but wrong runs {image}: let the program take" in str(
        refused.value
    )


def test_the_reviewed_digest_is_deployed(tmp_path: Path) -> None:
    """By any name of the image; one that is not known yet comes from another resource of the plan."""
    named = {"tagged": f"{NAME}:1@sha256:{'a' * 64}", "mirror": f"mirror.example.com/w@sha256:{'a' * 64}"}

    _check_plan(project(tmp_path, {**named, "later": UNKNOWN}), "prod", REVIEWED)


def test_a_plan_that_fails_is_left_to_the_update(tmp_path: Path) -> None:
    """Which fails for the same reason, and reports it."""
    _check_plan(project(tmp_path, {}, fails=True), "prod", REVIEWED)
