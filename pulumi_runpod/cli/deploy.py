"""`pulumi-runpod deploy`: one stack brought up without questions, as workflows do it: recover, then update."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer

from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.cli.gitops_flags import (
    FAILED,
    Form,
    PolicyFolders,
    PolicyRules,
    Wait,
    complain,
)
from pulumi_runpod.cli.recover import recover_unasked
from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.deployment import update
from pulumi_runpod.gitops.markdown import code, fence
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.planned_images import other_images
from pulumi_runpod.gitops.policy_packs import PolicyPacks
from pulumi_runpod.gitops.preview import Action, StackPreview
from pulumi_runpod.gitops.stack_lock import LockPolicy, when_unlocked
from pulumi_runpod.gitops.workspace import PulumiFailed

_WORDS: dict[Action, str] = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def deploy(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")],
    by_digest: Annotated[
        bool,
        typer.Option("--by-digest", help="Refuse a setting `image` without a digest, and a plan with another one."),
    ] = False,
    policy_packs: PolicyFolders = None,
    policy_rules: PolicyRules = None,
    wait: Wait = 900,
    form: Form = "markdown",
) -> None:
    """Find again what an interrupted update has made, then `pulumi up`. Asks nobody: what was reviewed is deployed.

    Exit codes: 0 deployed; 1 the command failed (no such stack, a lock, an image without a digest); 2 wrong usage; 3
    the update failed, or a policy refuses it, and the report says why.
    """
    masker = Masker(os.environ)
    with publishing.failure_in_summary(f"Deployment of {stack}"):
        project = Project.here()
        policies = PolicyPacks(tuple(policy_packs or ()), tuple(policy_rules or ()))
        image = _image_by_digest(project, stack) if by_digest else None

        def work() -> StackPreview:
            recover_unasked(project, stack)
            if image is not None:
                _check_plan(project, stack, image)
            return update(project.workspace, "up", stack, policies=policies, mask=masker.text)

        # Nobody is there to say that the owner of a lock has ended.
        locks = LockPolicy(timedelta(seconds=wait), unlock_own_after=None)
        done = when_unlocked(project.workspace, stack, work, locks, say=partial(typer.echo, err=True))
    result = masker.masked(done)
    publishing.add_to_summary(_text(result))
    typer.echo(json.dumps(result.json_ready()) if form == "json" else _text(result))
    if result.failed:
        complain(f"update of {stack} failed", result.reasons)
        raise typer.Exit(FAILED)


def _image_by_digest(project: Project, stack: str) -> str | None:
    """The setting `image`; None where it is promoted, which the program accepts by digest alone."""
    document = json.loads(project.workspace.run("config", "--json", "--stack", stack) or "{}")
    named = document.get(f"{project.name}:image")
    image = named.get("value") if isinstance(named, dict) else None
    if isinstance(image, str) and "@sha256:" not in image:
        raise SettingsError(
            f"stack {stack}: image is {image}, which names no digest, so that it may be another one tomorrow: "
            f"`pulumi config set image NAME@sha256:... --stack {stack}`"
        )
    if named is not None and image is None:
        raise RunPodError(f"stack {stack}: the setting image is no text, or a secret: its digest cannot be checked")
    return image


def _check_plan(project: Project, stack: str, image: str) -> None:
    """Raises `RunPodError` where the program ignores the setting and declares another image."""
    try:
        planned = project.planned_inputs(stack)
    except PulumiFailed:
        return  # The update fails as well, and reports why.
    if strange := other_images(planned, image):
        shown = "; ".join(f"{name} runs {other}" for name, other in strange.items())
        raise RunPodError(
            f"stack {stack}: image names {image.partition('@')[2]}, but {shown}: let the program take its "
            "image from the setting, or deploy without --by-digest"
        )


def _text(done: StackPreview) -> str:
    result = ((done.count(action), word) for action, word in _WORDS.items())
    counts = [f"{count} {word}" for count, word in result if count]
    if done.failed:
        return "\n\n".join([f"## 🔴 Stack {code(done.stack)} failed", *map(fence, done.reasons)]) + "\n"
    return f"## 🟢 Stack {code(done.stack)} is deployed: {', '.join(counts) or 'nothing changed'}\n"
