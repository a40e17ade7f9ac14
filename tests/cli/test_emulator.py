"""The group `emulator`, as processes: what scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.process.background import stop
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.endpoint import ENDPOINTS, CreateEndpoint
from tests.waiting import eventually

SHOWS = {
    "name": "shows",
    "type": "QUEUE",
    "image": "registry.example.com/shows:1",
    "gpu": {"pools": ["ADA_24"]},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
    "workers": {"min": 1, "max": 1},
    "env": {"MODE": "endpoint"},
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pulumi_runpod.cli", "emulator", *arguments], capture_output=True, text=True, check=False
    )


def key_in(state: Path) -> str:
    return run("key", "--state", str(state)).stdout.strip()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose server, if a test started one, is stopped."""
    yield tmp_path / "state"
    stop(tmp_path / "state")


def test_start_status_and_stop(state: Path) -> None:
    """Started once however often it is asked; found by its state; gone after stop, and stop again is no error."""
    first = json.loads(run("start", "--port", "0", "--state", str(state), "--json").stdout)
    again = json.loads(run("start", "--port", "0", "--state", str(state), "--json").stdout)
    status = json.loads(run("status", "--state", str(state), "--json").stdout)

    assert (first["started"], again["started"]) == (True, False)
    assert first["jobs"] == f"{first['api']}/v2"
    assert again["pid"] == status["pid"] == first["pid"]
    assert run("stop", "--state", str(state)).stdout == "Local RunPod stopped.\n"
    gone = run("status", "--state", str(state), "--json")
    assert (gone.returncode, json.loads(gone.stdout)) == (3, {"running": False})
    assert run("stop", "--state", str(state)).returncode == 0


def test_a_state_directory_has_a_random_key_of_its_own(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, kept over restarts, found by settings without a key in the project, and never `local`."""
    project = tmp_path / "project"
    own = project / ".local/runpod"
    try:
        output = json.loads(run("start", "--port", "0", "--state", str(own), "--json").stdout)
        other = json.loads(run("start", "--port", "0", "--state", str(state), "--json").stdout)
        key, s3_key = key_in(own), json.loads(run("s3-key", "show", "--state", str(own), "--json").stdout)
        (project / "deep").mkdir()
        monkeypatch.chdir(project / "deep")
        for name in ("RUNPOD_API_KEY", "RUNPOD_API_BASE_URL", "RUNPOD_S3_ACCESS_KEY_ID", "RUNPOD_S3_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        found = Settings.load({"runpod:apiBaseUrl": output["api"]})
        statuses = [
            httpx.get(f"{output['api']}/v2/templates", headers={"Authorization": f"Bearer {tried}"}).status_code
            for tried in (key, "local", key_in(state))
        ]

        assert (key.startswith("rpa_"), len(key)) == (True, 44)
        assert found.key == key
        assert found.s3_key == (s3_key["accessKeyId"], s3_key["secretAccessKey"])
        assert Settings.load({"runpod:apiBaseUrl": output["api"], "runpod:apiKey": "mine"}).key == "mine"
        assert Settings.load({"runpod:apiBaseUrl": other["api"]}).api_key is None
        assert statuses == [200, 401, 401]
        stop(own)
        again = json.loads(run("start", "--port", "0", "--state", str(own), "--json").stdout)
        assert Settings.load({"runpod:apiBaseUrl": again["api"]}).key == key
    finally:
        stop(own)


def test_state_of_an_older_release_keeps_its_key(state: Path) -> None:
    """Stacks whose files name the key `local` go on working, and so do those that name none."""
    run("start", "--port", "0", "--state", str(state), "--api-key", "local")
    stop(state)
    assert not (state / "credentials.json").exists()
    run("start", "--port", "0", "--state", str(state))
    assert key_in(state) == "local"


def test_start_with_other_options_is_refused(state: Path) -> None:
    """One line that says how to stop the one that runs."""
    run("start", "--port", "0", "--state", str(state))
    other = run("start", "--port", "0", "--state", str(state), "--worker", "*/x=python -m x")

    assert other.returncode == 1
    assert other.stderr.startswith("error: a local RunPod runs at http://127.0.0.1:")
    assert "emulator stop --state" in other.stderr
    assert other.stderr.count("\n") == 1


def test_the_machines_variables_reach_every_worker_under_what_its_endpoint_sets(state: Path) -> None:
    """Said once for the machine, whatever the endpoint; where both name one, the endpoint's value holds."""
    shown = "*/shows*=sh -c 'echo place=$PLACE mode=$MODE; exec sleep 600'"
    machine = ("--worker-env", "PLACE=desk", "--worker-env", "MODE=machine")
    output = json.loads(
        run("start", "--port", "0", "--state", str(state), "--worker", shown, *machine, "--json").stdout
    )
    assert run("switch", "set", "coldStartSpeed", "1000", "--state", str(state)).returncode == 0
    with RunPodClient(Settings.load({"runpod:apiKey": key_in(state), "runpod:apiBaseUrl": output["api"]})) as client:
        body = CreateEndpoint.model_validate(SHOWS)
        endpoint_id = client.create(ENDPOINTS, body).id

        def said() -> str | None:
            workers = client.workers(endpoint_id).workers
            lines = [log.line for worker in workers for log in client.worker_logs(endpoint_id, worker.id, tail=20)]
            return next((line for line in lines if line.startswith("place=")), None)

        assert eventually(said) == "place=desk mode=endpoint"


def test_the_key_is_not_in_the_process_list(state: Path) -> None:
    """It reaches the server in its environment, opens it, and is the only one that does."""
    output = json.loads(run("start", "--port", "0", "--state", str(state), "--api-key", "s3cr3t", "--json").stdout)
    command_line = Path(f"/proc/{output['pid']}/cmdline").read_bytes()
    statuses = [
        httpx.get(f"{output['api']}/v2/templates", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in ("s3cr3t", "local")
    ]

    assert b"s3cr3t" not in command_line
    assert statuses == [200, 401]


def test_values_of_workers_variables_are_in_no_process_list_and_no_open_file(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given as NAME alone, or with their value: the server that stays shows neither, and its files are its owner's."""
    monkeypatch.setenv("TOKEN", "s3cr3t-token")
    env = ("--worker-env", "TOKEN", "--worker-env", "OTHER=s3cr3t-other")
    output = json.loads(run("start", "--port", "0", "--state", str(state), *env, "--json").stdout)
    again = json.loads(run("start", "--port", "0", "--state", str(state), *env, "--json").stdout)
    changed = run("start", "--port", "0", "--state", str(state), "--worker-env", "TOKEN=another")

    assert b"s3cr3t" not in Path(f"/proc/{output['pid']}/cmdline").read_bytes()
    assert (again["started"], changed.returncode) == (False, 1)
    modes = {path: path.stat().st_mode & 0o777 for path in [state, *state.rglob("*")]}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
    for path in modes:
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes()


def test_faults_clock_switches_and_log(state: Path) -> None:
    """What the control API does, each by one command; a wrong key and no server are one clear line."""
    api = json.loads(run("start", "--port", "0", "--state", str(state), "--json").stdout)["api"]
    at = ("--state", str(state))
    fault = run("fault", "add", "http.status", "--path", "/v2/templates", "--times", "0", *at).stdout.strip()
    struck = httpx.get(f"{api}/v2/templates", headers={"Authorization": f"Bearer {key_in(state)}"}).status_code

    assert struck == 503
    assert run("fault", "list", *at).stdout == f"{fault}  http.status  * /v2/templates  struck 1, until cleared\n"
    assert run("fault", "clear", fault, *at).returncode == 0
    assert run("log", "--method", "get", *at).stdout == "503 GET /v2/templates\n"
    assert run("clock", "freeze", *at).stdout.endswith(" (frozen)\n")
    assert run("switch", "set", "workerQuota", "5", *at).stdout == "workerQuota = 5\n"
    assert json.loads(run("switch", "list", "--json", *at).stdout)["workerQuota"] == 5
    assert run("reset", *at).stdout == "The local RunPod is empty.\n"
    wrong = run("switch", "set", "workerQuota", "many", *at)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "workerQuota" in wrong.stderr
    assert "--api-key" in run("clock", "show", "--api-key", "wrong", *at).stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("serve", "--host", "0.0.0.0"), "--api-key"),
        (("serve", "--worker", "nonsense"), "GLOB=COMMAND"),
        (("start", "--worker", "=x"), "GLOB=COMMAND"),
        (("serve", "--worker-env", "PLACE_THAT_IS_NOT_SET"), "NAME=VALUE"),
        (("start", "--worker-env", "not a name=x"), "NAME=VALUE"),
        (("serve", "--quota", "lots"), "q=CALLS;w=SECONDS"),
        (("start", "--host", "192.0.2.1", "--api-key", "k"), "cannot listen on 192.0.2.1"),
        (("clock", "show"), "start one with"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    """Exit 1, one line on standard error, no traceback."""
    port = () if arguments[0] == "clock" else ("--port", "0")
    done = run(*arguments, *port, "--state", str(tmp_path / "state"))

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert text in done.stderr
