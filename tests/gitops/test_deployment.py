"""What an update reports. A script replaces `pulumi` here: it prints events that were recorded from real updates."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_runpod.gitops.deployment import update
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace
from tests.gitops.recording import GOLDEN

SECRET = "quite-a-long-secret-that-the-cut-of-a-long-value-would-take-apart-" * 2


def workspace(folder: Path, *lines: str) -> Workspace:
    """Whose `pulumi` does that, whatever it is asked for."""
    command = folder / "pulumi"
    command.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    command.chmod(0o755)
    return Workspace(folder, str(command), {"PATH": "/usr/bin:/bin"})


def test_a_secret_is_hidden_before_a_value_is_cut(tmp_path: Path) -> None:
    """Half of a key is as good as the whole to somebody who guesses the rest."""
    events = (GOLDEN / "update.jsonl").read_text(encoding="utf-8")
    image = f"registry.example.com/team/worker@sha256:{'b' * 64}"
    assert image in events
    result = tmp_path / "events.jsonl"
    result.write_text(events.replace(image, SECRET), encoding="utf-8")
    mask = Masker({"REGISTRY_TOKEN": SECRET}).text
    done = update(workspace(tmp_path, f"cat {result}"), "up", "dev", mask=mask)

    shown = [change.after for changed in done.changes for change in changed.properties]
    assert "[secret]" in shown
    assert SECRET[:10] not in done.model_dump_json()


def test_an_update_that_was_never_begun_raises_without_secrets(tmp_path: Path) -> None:
    """In the words of `pulumi`, with what it said on both streams."""
    mask = Masker({"REGISTRY_TOKEN": SECRET}).text
    refused = workspace(tmp_path, "echo looking", f"echo 'error: no stack named {SECRET} found' >&2", "exit 255")

    with pytest.raises(PulumiFailed, match=r"^pulumi up -> no stack named \[secret\] found$") as failure:
        update(refused, "up", "dev", mask=mask)
    assert "looking" in failure.value.text
    assert SECRET not in failure.value.text
