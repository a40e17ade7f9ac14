"""`pulumi-runpod pr-stack up|down|sweep`: an endpoint for a pull request, for as long as it is open."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

import typer

from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.cli.gitops_flags import (
    FAILED,
    Form,
    Number,
    OnPullRequest,
    PolicyFolders,
    PolicyRules,
    RepositoryName,
    UnlockAfter,
    Wait,
    complain,
    lock_policy,
    number_of,
    repository_of,
)
from pulumi_runpod.cli.recover import recover_unasked
from pulumi_runpod.client import client_for
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.comment import Origin
from pulumi_runpod.gitops.github_api import Repository
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.policy_packs import PolicyPacks
from pulumi_runpod.gitops.pr_settings import PrSettings
from pulumi_runpod.gitops.pr_stack import PrStackReport, PrStacks, name_of
from pulumi_runpod.gitops.pr_stack_comment import MARKER, comment
from pulumi_runpod.gitops.stack_lock import LockPolicy
from pulumi_runpod.gitops.sweeping import Due, SweepReport, sweep_objects, sweep_stacks, sweep_table
from pulumi_runpod.gitops.workflow import WorkflowEvent
from pulumi_runpod.resources.recovery.orphans import Orphan, delete, orphans_of

_LONGEST_INPUT = 10_000

app = typer.Typer(help="An endpoint for each pull request that asks for one.", no_args_is_help=True)

Source = Annotated[str, typer.Option("--from", help="Stack whose settings are copied.", metavar="STACK")]
Label = Annotated[str, typer.Option("--label", help="Only pull requests with this label have a stack.")]
Post = Annotated[bool, typer.Option("--post", help="Keep the one comment on the pull request up to date.")]


@app.command()
def up(
    number: Number = None,
    source: Source = "dev",
    label: Label = "pr-stack",
    workers_max: Annotated[int, typer.Option(min=1, max=1000, help="Its workersMax. workersMin is 0.")] = 1,
    platform: Annotated[
        str | None,
        typer.Option(help="Stack that owns the volumes. Default: as the source has it, else platform."),
    ] = None,
    own_volume: Annotated[bool, typer.Option("--own-volume", help="A separate volume, not the platform's.")] = False,
    more: Annotated[
        list[str] | None, typer.Option("--set", help="One more setting of the stack.", metavar="KEY=VALUE")
    ] = None,
    request: Annotated[
        str, typer.Option("--input", help="JSON that the command in the comment sends.", metavar="JSON")
    ] = '{"prompt": "a red fox in the snow"}',
    policy_packs: PolicyFolders = None,
    policy_rules: PolicyRules = None,
    post: Post = False,
    form: Form = "markdown",
    repository: RepositoryName = None,
    wait: Wait = 900,
    unlock_after: UnlockAfter = None,
) -> None:
    """Deploy stack pr-N with the settings of another one, or remove it where the pull request does not want it.

    Exit codes: 0 deployed, or removed because the pull request is closed or has no such label; 1 the command failed
    (GitHub refused, no token, a lock); 2 wrong usage; 3 the update failed, or a policy refuses it: the report says why,
    and a first one is taken back.
    """
    _checked_json(request)
    settings = PrSettings(
        source=source, workers_max=workers_max, platform=_platform(platform, own_volume), more=_pairs(more)
    )
    with publishing.failure_in_summary("Endpoint of this pull request"):
        asked = repository_of(repository, number)
        policies = PolicyPacks(tuple(policy_packs or ()), tuple(policy_rules or ()))
        stacks = replace(_stacks(settings, lock_policy(wait, unlock_after)), policies=policies)
        report = stacks.up(asked.number, partial(_unwanted, asked.repository, label, asked.number))
    _publish(report, asked if post else None, request=request, label=label, form=form)


@app.command()
def down(
    number: Number = None,
    source: Source = "dev",
    label: Label = "pr-stack",
    post: Post = False,
    form: Form = "markdown",
    repository: RepositoryName = None,
    wait: Wait = 900,
    unlock_after: UnlockAfter = None,
) -> None:
    """Destroy stack pr-N and remove it with its settings. Asks GitHub for nothing but to --post.

    Exit codes: 0 removed, or there was none; 1 the command failed; 2 wrong usage; 3 not everything could be destroyed.
    """
    with publishing.failure_in_summary("Endpoint of this pull request"):
        found = number_of(number)
        stacks = _stacks(PrSettings(source=source), lock_policy(wait, unlock_after))
        report = stacks.down(found)
        # The stack is gone, whatever GitHub says.
    asked = repository_of(repository, found) if post and report.outcome != "absent" else None
    _publish(report, asked, request="{}", label=label, form=form)


@app.command()
def sweep(
    source: Source = "dev",
    label: Label = "pr-stack",
    ttl: Annotated[float, typer.Option(min=0, help="Hours after its last update that a stack is removed.")] = 72,
    orphans: Annotated[
        bool, typer.Option("--orphans/--no-orphans", help="Delete objects that no stack knows, except volumes.")
    ] = True,
    apart: Annotated[
        int, typer.Option(min=0, help="Seconds between the two listings that must agree on an orphan.")
    ] = 60,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Say it in the comments of the pull requests.")] = False,
    form: Form = "markdown",
    repository: RepositoryName = None,
    unlock_after: UnlockAfter = None,
) -> None:
    """Remove what no pull request needs any more: stacks whose request is closed or that are past their time; orphans.

    Stacks that are being updated are left alone. Only the stacks of this backend are known: if the same project is
    deployed from another backend to the same account, use --no-orphans.

    Exit codes: 0 done; 1 the command failed, or something could not be removed; 2 wrong usage.
    """
    masker = Masker(os.environ)
    with publishing.failure_in_summary("Sweep"):
        asked = Repository.of_environment(repository)
        stacks = _stacks(PrSettings(source=source), lock_policy(0, unlock_after))
        due = Due(unwanted=partial(_unwanted, asked, label), time_to_live=timedelta(hours=ttl), now=datetime.now(UTC))
        result = sweep_stacks(stacks, due, dry_run=dry_run, removed=partial(_say_removed, asked, label, post))
        found = SweepReport(stacks=result)
        try:
            if orphans:
                listed, deleter = _orphans(source)
                objects = sweep_objects(listed, deleter, apart=timedelta(seconds=apart), dry_run=dry_run)
                found = found.model_copy(update={"objects": objects})
        finally:
            found = masker.masked(found)
            publishing.add_to_summary(sweep_table(found))
            typer.echo(json.dumps(found.json_ready()) if form == "json" else sweep_table(found))
    if found.failures:
        raise RunPodError("; ".join(found.failures))


def _stacks(settings: PrSettings, locks: LockPolicy) -> PrStacks:
    project = Project.here()
    return PrStacks(
        workspace=project.workspace,
        recover=partial(recover_unasked, project),
        say=partial(typer.echo, err=True),
        settings=settings,
        locks=locks,
        mask=Masker(os.environ).text,
    )


def _unwanted(repository: Repository, label: str, number: int) -> str | None:
    found = repository.pull_request(number)
    if not found.open:
        return "the pull request is closed"
    return None if label in found.labels else f"the pull request has no label {label}"


def _publish(
    report: PrStackReport, asked: OnPullRequest | None, *, request: str, label: str, form: Literal["markdown", "json"]
) -> None:
    result = Masker(os.environ).masked(report)
    text = comment(result, _origin(), request=request, label=label)
    publishing.add_to_summary(text)
    typer.echo(json.dumps(result.json_ready()) if form == "json" else text)
    if asked is not None and report.outcome != "absent":
        with publishing.failure_in_summary("The comment is not up to date"):
            url = asked.repository.keep_comment(asked.number, MARKER, text)
        typer.echo(f"comment: {url}", err=True)
    if report.outcome == "failed":
        complain(f"stack {report.stack} failed", result.errors)
        raise typer.Exit(FAILED)


def _say_removed(repository: Repository, label: str, post: bool, number: int, why: str) -> None:
    if post:
        report = PrStackReport(stack=name_of(number), number=number, outcome="removed", why=why)
        repository.keep_comment(number, MARKER, comment(report, Origin(), request="{}", label=label))


def _orphans(source: str) -> tuple[partial[list[Orphan]], partial[None]]:
    project = Project.here()
    api = client_for(project.settings(source))

    def listed() -> list[Orphan]:
        # The states first: what is made after they were read is then in the second listing's.
        return orphans_of(api, project.name, [project.export(name)["deployment"] for name in project.stacks()])

    return partial(listed), partial(delete, api)


def _origin() -> Origin:
    return Origin(WorkflowEvent.of_environment().commit, publishing.run_url())


def _platform(named: str | None, own_volume: bool) -> str | None:
    if named and own_volume:
        raise typer.BadParameter("is either named, or not used at all (--own-volume)", param_hint="--platform")
    return "" if own_volume else named


def _pairs(items: list[str] | None) -> dict[str, str]:
    pairs = {}
    for entry in items or ():
        key, equals, value = entry.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{entry!r} is not KEY=VALUE", param_hint="--set")
        pairs[key] = value
    return pairs


def _checked_json(text: str) -> None:
    if len(text) > _LONGEST_INPUT:
        raise typer.BadParameter(
            f"has {len(text)} characters: more than {_LONGEST_INPUT} are too many for a comment", param_hint="--input"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"is no JSON: {error}", param_hint="--input") from None
