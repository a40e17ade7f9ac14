"""`pulumi-runpod job ...`: send jobs to a deployed endpoint, follow them, save what they made."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_runpod.cli.images import save_images, without_images
from pulumi_runpod.cli.stack import EndpointId, Stack, Target, target
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.job import Job

if TYPE_CHECKING:
    from pulumi_runpod.client import JobClient

app = typer.Typer(help="Jobs of a deployed endpoint.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="Id of the job.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Seconds to wait for the job to end. Default: the stack's output endpoint_timeout_seconds, else 600.",
        show_default=False,
    ),
]
Save = Annotated[Path | None, typer.Option(help="Write the output's images to this directory.")]
_LONGEST_TEXT = 200
_LONGEST_WAIT = 600.0


@app.command()
def run(
    text: Annotated[
        str,
        typer.Option("--input", "-i", help="The job's input as JSON, @FILE, or @- for standard input."),
    ],
    stack: Stack = None,
    endpoint_id: EndpointId = None,
    save: Save = None,
    only_submit: Annotated[bool, typer.Option("--async", help="Print the job's id and do not wait.")] = False,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Send a job, wait for it and print its output. An input with a member `input` is taken as the whole request."""
    result, meant = parse_input(text), target(stack, endpoint_id)
    with client_of(meant) as jobs:
        job = jobs.run(result)
        if only_submit:
            _print_job(job, as_json=as_json)
            return
        _progress(f"job {job.id} {job.status}")
        try:
            job = jobs.wait(
                job.id,
                timeout=patience(timeout, meant),
                on_change=lambda seen: _progress(f"job {seen.id} {seen.status}"),
            )
        except KeyboardInterrupt:
            where = f"--stack {stack}" if stack else f"--endpoint-id {endpoint_id}"
            raise RunPodError(
                f"stopped waiting; the job goes on. Stop it: `pulumi-runpod job cancel {job.id} {where}`"
            ) from None
    _finish(job, save=save, as_json=as_json)


@app.command()
def status(
    job_id: JobId, stack: Stack = None, endpoint_id: EndpointId = None, save: Save = None, as_json: Json = False
) -> None:
    """Print the state of a job, and its output when it has ended."""
    with jobs_of(stack, endpoint_id) as jobs:
        job = jobs.status(job_id)
    if save and job.is_final:
        _finish(job, save=save, as_json=as_json)
    else:
        _print_job(job, as_json=as_json)


@app.command()
def wait(
    job_id: JobId,
    stack: Stack = None,
    endpoint_id: EndpointId = None,
    save: Save = None,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Wait for a job that was sent before, and print its output."""
    meant = target(stack, endpoint_id)
    with client_of(meant) as jobs:
        job = jobs.wait(job_id, timeout=patience(timeout, meant))
    _finish(job, save=save, as_json=as_json)


@app.command()
def stream(
    job_id: JobId, stack: Stack = None, endpoint_id: EndpointId = None, timeout: Timeout = None, as_json: Json = False
) -> None:
    """Print what a worker yields, one piece a line, as it comes."""
    meant = target(stack, endpoint_id)
    with client_of(meant) as jobs:
        for chunk in jobs.stream(job_id, timeout=patience(timeout, meant)):
            typer.echo(json.dumps(chunk) if as_json or not isinstance(chunk, str) else chunk)


@app.command()
def cancel(job_id: JobId, stack: Stack = None, endpoint_id: EndpointId = None, as_json: Json = False) -> None:
    """Stop a job that waits or runs."""
    with jobs_of(stack, endpoint_id) as jobs:
        _print_job(jobs.cancel(job_id), as_json=as_json)


@app.command()
def retry(job_id: JobId, stack: Stack = None, endpoint_id: EndpointId = None, as_json: Json = False) -> None:
    """Put a job that is FAILED or TIMED_OUT in the queue again."""
    with jobs_of(stack, endpoint_id) as jobs:
        _print_job(jobs.retry(job_id), as_json=as_json)


@app.command()
def purge(
    stack: Stack = None,
    endpoint_id: EndpointId = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Drop every job that waits in the queue; running ones go on."""
    if not yes:
        typer.confirm("Drop every job that waits?", abort=True, err=True)
    with jobs_of(stack, endpoint_id) as jobs:
        removed = jobs.purge_queue().removed
    typer.echo(json.dumps({"removed": removed}) if as_json else f"{removed} jobs removed")


@app.command()
def health(stack: Stack = None, endpoint_id: EndpointId = None, as_json: Json = False) -> None:
    """Count the endpoint's jobs and workers by state."""
    with jobs_of(stack, endpoint_id) as jobs:
        fields = jobs.health().model_dump(by_alias=True)
    if as_json:
        typer.echo(json.dumps(fields))
        return
    for what, counts in fields.items():
        typer.echo(f"{what}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


@contextmanager
def jobs_of(stack: str | None, endpoint_id: str | None) -> Iterator[JobClient]:
    """The job client of the endpoint that the options name."""
    with client_of(target(stack, endpoint_id)) as jobs:
        yield jobs


@contextmanager
def client_of(meant: Target) -> Iterator[JobClient]:
    from pulumi_runpod.client import JobClient, urls_of

    with JobClient(urls_of(meant.endpoint()), meant.settings) as jobs:
        yield jobs


def patience(timeout: float | None, meant: Target) -> float:
    """Seconds to wait: as the option says, else as callers of this endpoint are to."""
    return next(result for result in (timeout, meant.endpoint_timeout, _LONGEST_WAIT) if result is not None)


def parse_input(text: str) -> Any:
    """JSON from the command line, a file or standard input. Raises `RunPodError` that says where it is wrong."""
    source = "--input"
    if text.startswith("@"):
        source = "standard input" if text == "@-" else text[1:]
        try:
            text = sys.stdin.read() if text == "@-" else Path(text[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise RunPodError(f"{source} -> {reason}: name a file that holds the input as JSON") from error
    try:
        return json.loads(text)
    except ValueError as error:
        where = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise RunPodError(
            f'{source} -> not JSON ({where}): write it as {{"prompt": "a red fox"}}, in single quotes for the shell'
        ) from error


def _finish(job: Job, *, save: Path | None, as_json: bool) -> None:
    """Print a job that has ended; an end that is not good is the error."""
    from pulumi_runpod.client.job_calls import completed

    if job.status != "COMPLETED":
        if as_json:
            _print_job(job, as_json=True)
        completed(job)
    files = save_images(job, save) if save else []
    if as_json:
        result = _job_fields(job)
        if files:
            result["output"] = without_images(job.output)
            result["saved"] = [str(file) for file in files]
        typer.echo(json.dumps(result))
        return
    took = f" in {job.execution_time / 1000:.1f} s" if job.execution_time is not None else ""
    waited = f", {job.delay_time / 1000:.1f} s in the queue" if job.delay_time is not None else ""
    typer.echo(f"job {job.id} {job.status}{took}{waited}")
    for file in files:
        typer.echo(str(file))
    if not files:
        typer.echo(json.dumps(_shortened(job.output), indent=2))


def _print_job(job: Job, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_job_fields(job)))
        return
    typer.echo(f"job {job.id} {job.status}")
    if job.output is not None:
        typer.echo(json.dumps(_shortened(job.output), indent=2))
    if job.error:
        from pulumi_runpod.errors import worker_error

        typer.echo(worker_error(job.error))


def _job_fields(job: Job) -> dict[str, Any]:
    return job.model_dump(mode="json", by_alias=True, exclude_none=True)


def _shortened(value: Any) -> Any:
    """Output for a screen: long texts (images in base64) only hinted at."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:40]}... ({len(value)} characters; --save DIR writes images, --json prints all)"
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    return [_shortened(inner) for inner in value] if isinstance(value, list) else value


def _progress(text: str) -> None:
    """Progress goes to standard error, so that output can be piped."""
    if sys.stderr.isatty():
        typer.echo(text, err=True)
