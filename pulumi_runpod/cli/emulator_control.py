"""`pulumi-runpod emulator fault|clock|switch|s3-key|log|reset ...`: act on a local RunPod in the background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from pulumi_runpod.emulator.process.background import KEY_VARIABLE
from pulumi_runpod.emulator.process.credentials import key_of
from pulumi_runpod.emulator.process.remote import Remote
from pulumi_runpod.emulator.process.server_settings import DEFAULT_STATE, ServerError
from pulumi_runpod.errors import RunPodError, SettingsError

fault = typer.Typer(help="Make things go wrong on purpose.", no_args_is_help=True)
clock = typer.Typer(help="The local RunPod's time.", no_args_is_help=True)
switch = typer.Typer(help="What the sources of the service leave open.", no_args_is_help=True)
s3_key = typer.Typer(help="Keys for the S3 API of volumes.", no_args_is_help=True)

State = Annotated[Path, typer.Option(help="State directory of the running server.")]
ApiKey = Annotated[
    str | None,
    typer.Option(envvar=KEY_VARIABLE, help="Key of the running server. Default: the one made for its state directory."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def mount(app: typer.Typer) -> None:
    """Add the groups and commands of this module to the group `emulator`."""
    app.add_typer(fault, name="fault")
    app.add_typer(clock, name="clock")
    app.add_typer(switch, name="switch")
    app.add_typer(s3_key, name="s3-key")
    app.command()(key)
    app.command()(reset)
    app.command()(log)


@fault.command("add")
def add_fault(
    kind: Annotated[str, typer.Argument(help="Such as http.status, http.cut_after, worker.crash, stock_out.")],
    method: Annotated[str, typer.Option(help="HTTP faults: method, or *.")] = "*",
    path: Annotated[str, typer.Option(help="HTTP faults: glob on the path.")] = "*",
    target: Annotated[str, typer.Option(help="Others: glob on the endpoint's id, or on pool@data-center.")] = "*",
    times: Annotated[int, typer.Option(min=0, help="How often it strikes; 0: until cleared.")] = 1,
    after: Annotated[int, typer.Option(min=0, help="Matches that pass unharmed first.")] = 0,
    probability: Annotated[float, typer.Option(min=0, max=1, help="Chance of each match.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Makes the chances repeatable.")] = 0,
    status: Annotated[int, typer.Option(help="http.status: the answer.")] = 503,
    delay: Annotated[float, typer.Option(help="http.delay: seconds.")] = 1.0,
    retry_after: Annotated[int, typer.Option(help="http.rate_limit: seconds.")] = 1,
    factor: Annotated[float, typer.Option(help="worker.slow_pull: how many times slower.")] = 10.0,
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Arm a fault."""
    body = {
        "kind": kind,
        "method": method,
        "path": path,
        "target": target,
        "times": times or None,
        "after": after,
        "probability": probability,
        "seed": seed,
        "status": status,
        "delay": delay,
        "retryAfter": retry_after,
        "factor": factor,
    }
    answer = _call(state, api_key, "POST", "faults", body)
    typer.echo(json.dumps(answer) if as_json else answer["id"])


@fault.command("list")
def list_faults(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Every fault, with how often it struck."""
    answer = _call(state, api_key, "GET", "faults")
    if as_json:
        typer.echo(json.dumps(answer))
        return
    for armed in answer["faults"]:
        where = f"{armed['method']} {armed['path']}" if armed["kind"].startswith("http.") else armed["target"]
        left = "until cleared" if armed["left"] is None else f"{armed['left']} left"
        typer.echo(f"{armed['id']}  {armed['kind']}  {where}  struck {armed['taken']}, {left}")


@fault.command("clear")
def clear_faults(
    fault_id: Annotated[str | None, typer.Argument(help="One fault; without it, all.")] = None,
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Disarm one fault, or all."""
    _call(state, api_key, "DELETE", f"faults/{fault_id}" if fault_id else "faults")
    typer.echo(json.dumps({"cleared": fault_id or "all"}) if as_json else f"Cleared {fault_id or 'all faults'}.")


@clock.command("show")
def show_clock(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """What time it is there."""
    _tell_clock(_call(state, api_key, "GET", "clock"), as_json=as_json)


@clock.command()
def advance(
    seconds: Annotated[float, typer.Argument(min=0, help="How far to move forward.")],
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Move time forward: idle timeouts, time limits and prices follow."""
    _tell_clock(_call(state, api_key, "POST", "clock", {"advance": seconds}), as_json=as_json)


@clock.command()
def freeze(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Stop time; `advance` moves it, `resume` lets it flow again."""
    _tell_clock(_call(state, api_key, "POST", "clock", {"freeze": True}), as_json=as_json)


@clock.command()
def resume(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Let time flow again."""
    _tell_clock(_call(state, api_key, "POST", "clock", {"freeze": False}), as_json=as_json)


@switch.command("list")
def list_switches(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Every switch and its value."""
    answer = _call(state, api_key, "GET", "switches")
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        for name, value in answer.items():
            typer.echo(f"{name} = {json.dumps(value)}")


@switch.command("set")
def set_switch(
    name: str,
    value: Annotated[str, typer.Argument(help="JSON, or plain text.")],
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Turn one switch."""
    try:
        document: object = json.loads(value)
    except ValueError:
        document = value
    answer = _call(state, api_key, "PATCH", "switches", {name: document})
    typer.echo(json.dumps({name: answer[name]}) if as_json else f"{name} = {json.dumps(answer[name])}")


@s3_key.command("show")
def show_s3_key(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """The S3 key that comes with the API key: the same for the same key, on every local RunPod."""
    from pulumi_runpod.emulator.platform.s3_owner_key import owner_key

    key = owner_key(api_key or _key_of(state))
    _tell_s3_key({"accessKeyId": key.access_key_id, "secretAccessKey": key.secret_access_key}, as_json=as_json)


@s3_key.command("add")
def add_s3_key(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Make another one: the only time that its secret is shown."""
    _tell_s3_key(_call(state, api_key, "POST", "s3-keys"), as_json=as_json)


@s3_key.command("list")
def list_s3_keys(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Access keys, without their secrets."""
    answer = _call(state, api_key, "GET", "s3-keys")
    typer.echo(json.dumps(answer) if as_json else "\n".join(key["accessKeyId"] for key in answer["s3Keys"]))


@s3_key.command("remove")
def remove_s3_key(
    access_key_id: str, state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False
) -> None:
    """Take one back. That of the API key stays."""
    _call(state, api_key, "DELETE", f"s3-keys/{quote(access_key_id, safe='')}")
    typer.echo(json.dumps({"removed": access_key_id}) if as_json else f"Removed {access_key_id}.")


def key(state: State = DEFAULT_STATE, as_json: Json = False) -> None:
    """Print the API key that was made for this state directory: for other clients, and for the console."""
    made = _key_of(state)
    typer.echo(json.dumps({"apiKey": made}) if as_json else made)


def reset(state: State = DEFAULT_STATE, api_key: ApiKey = None, as_json: Json = False) -> None:
    """Forget everything: objects, volumes' files, jobs, faults, calls."""
    _call(state, api_key, "POST", "reset")
    typer.echo(json.dumps({"reset": True}) if as_json else "The local RunPod is empty.")


def log(
    method: Annotated[str | None, typer.Option(help="Only this method.")] = None,
    path: Annotated[str, typer.Option(help="Only paths that match this glob.")] = "*",
    state: State = DEFAULT_STATE,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Who called what: method, path and status of the last 10,000 calls."""
    query = {"path": path, **({"method": method.upper()} if method else {})}
    answer = _call(state, api_key, "GET", f"requests?{urlencode(query)}")
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        for call in answer["calls"]:
            typer.echo(f"{call['status'] or 'cut'} {call['method']} {call['path']}")


def _tell_s3_key(fields: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(fields))
        return
    typer.echo(f"RUNPOD_S3_ACCESS_KEY_ID={fields['accessKeyId']}")
    typer.echo(f"RUNPOD_S3_SECRET_ACCESS_KEY={fields['secretAccessKey']}")


def _tell_clock(fields: dict[str, Any], *, as_json: bool) -> None:
    typer.echo(json.dumps(fields) if as_json else fields["now"] + (" (frozen)" if fields["frozen"] else ""))


def _key_of(state: Path) -> str:
    found = key_of(state)
    if found is None:
        raise SettingsError(
            f"no key was made for {state}: no local RunPod was started there without --api-key. "
            "Give its key with --api-key"
        )
    return found


def _call(state: Path, api_key: str | None, method: str, name: str, body: object = None) -> Any:
    if api_key is not None and not api_key.isascii():
        raise SettingsError("--api-key: a key is one word of ASCII characters")
    try:
        return Remote(state, api_key or key_of(state) or "").call(method, name, body)
    except ServerError as failure:
        raise RunPodError(str(failure)) from failure
