"""`pulumi-runpod parity`: whether the local RunPod behaves as an account of the real service, and where it does not."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.settings import Settings

if TYPE_CHECKING:
    from pulumi_runpod.operations.parity.recording import Recording
    from pulumi_runpod.operations.parity.script import Pace, ParityRun

DIFFERENT = 3
LEFT_OVER = 4


def parity(
    max_cost: Annotated[str, typer.Option("--max-cost", help="USD that the run may cost at most.", metavar="USD")],
    against: Annotated[
        Path | None, typer.Option("--against", help="Compare with this recording, not with a fresh local RunPod.")
    ] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Write the account's answers to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a fixed script on the account of RUNPOD_API_KEY and compare its answers with the local RunPod's.

    The script makes a volume, a template and an endpoint on the cheapest CPU flavor, sends jobs, and deletes them all.
    It takes minutes. Example: pulumi-runpod parity --max-cost 1 --record account.json

    Exit codes: 0 the same answers; 1 the command failed; 2 wrong usage; 3 differences; 4 objects could not be deleted.
    """
    from pulumi_runpod.operations.parity.compare import differences
    from pulumi_runpod.operations.parity.recording import read_recording

    limit = _amount(max_cost)
    other = read_recording(against) if against else None
    settings = Settings.load()
    if settings.api_key is None:
        raise SettingsError("no RunPod API key: set RUNPOD_API_KEY to the account that the script may use")
    left_over: list[str] = []
    account = _recorded(settings, limit, left_over)
    if record:
        account.write(record)
    other = other or _local(limit)
    found = differences(account, other)
    if as_json:
        rows = [{"step": one.step, "where": one.where, "account": one.recorded, "other": one.other} for one in found]
        typer.echo(json.dumps({"service": account.service, "differences": rows, "leftOver": left_over}))
    else:
        for one in found:
            typer.echo(str(one))
        typer.echo(f"{len(found)} differences in {len(account.steps)} steps: {account.service}, not {other.service}")
    for path in left_over:
        typer.echo(f"error: {path} could not be deleted: delete it in the console, it may cost money", err=True)
    if left_over:
        raise typer.Exit(LEFT_OVER)
    if found:
        raise typer.Exit(DIFFERENT)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise typer.BadParameter(f"{text!r} is not an amount: give USD above 0, such as 1", param_hint="--max-cost")
    return amount


def _recorded(settings: Settings, limit: Decimal, left_over: list[str]) -> Recording:
    """The answers of one service; paths that could not be deleted go to `left_over`."""
    from pulumi_runpod.client import client_for
    from pulumi_runpod.client.catalog import live_catalog
    from pulumi_runpod.client.exchange import Exchanges
    from pulumi_runpod.operations.parity.budget import cheapest
    from pulumi_runpod.operations.parity.recording import Recording
    from pulumi_runpod.operations.parity.script import Pace, ParityRun

    host = urlsplit(settings.api_base_url)
    on_loopback = host.hostname in ("127.0.0.1", "localhost", "::1")
    pace = Pace(interval=0.3, patience=60.0, rest=8.0) if on_loopback else Pace()
    place = cheapest(live_catalog(client_for(settings)), hours=_hours(pace), max_cost=limit)
    typer.echo(f"{host.netloc}: {place.flavor.id} in {place.data_center.id}, at most ${place.at_most}", err=True)
    with Exchanges(settings) as exchanges:
        run = ParityRun(exchanges, place, pace, progress=_progress)
        try:
            steps = run.run()
        finally:
            left_over += run.left_over
            _say_left_over(run)
    return Recording(service=host.netloc, recorded=datetime.now(UTC).date().isoformat(), steps=steps)


def _hours(pace: Pace) -> Decimal:
    """The longest that a run takes: every job and the idle-out to the end of the patience."""
    from pulumi_runpod.operations.parity.script import JOBS

    return (Decimal(str(pace.patience)) * (JOBS + 1) / 3600).quantize(Decimal("0.1"), rounding="ROUND_UP")


def _local(limit: Decimal) -> Recording:
    """The same script on a fresh local RunPod, whose workers are processes of this machine."""
    try:
        from pulumi_runpod.emulator.local import LocalRunPod
    except ImportError as error:
        raise RunPodError(
            "parity -> the local RunPod is not installed: pip install 'pulumi-runpod-serverless[local]', or compare "
            "with --against FILE"
        ) from error
    from pulumi_runpod.operations.parity import local_worker
    from pulumi_runpod.operations.parity.script import IMAGE

    with ExitStack() as stack:
        server = stack.enter_context(LocalRunPod(workers={IMAGE: f"{sys.executable} {local_worker.__file__}"}))
        left_over: list[str] = []
        return _recorded(Settings.load({}, server.environment), limit, left_over)


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        print(f"  {step}", file=sys.stderr)


def _say_left_over(run: ParityRun) -> None:
    if sys.exc_info()[1] is not None:
        for path in run.left_over:
            typer.echo(f"error: {path} could not be deleted: delete it in the console, it may cost money", err=True)
