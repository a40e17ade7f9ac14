"""`pulumi-runpod job`: from a stack's name to a file that a person can open."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pulumi_runpod.cli.main import app
from pulumi_runpod.errors import (
    JobFailed,
    JobGone,
    JobNotFinished,
    NotFound,
    RunPodError,
    SettingsError,
)

pytestmark = pytest.mark.engine
PNG = b"\x89PNG\r\n\x1a\n rest"
runner = CliRunner()


def invoke(*arguments: str, stdin: str | None = None) -> Result:
    return runner.invoke(app, ["job", *arguments], input=stdin)


def run_json(*arguments: str) -> Any:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


@pytest.fixture
def by_id(deployed: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The deployed endpoint without its stack, which takes a second to ask."""
    for name, value in deployed.runpod.environment.items():
        monkeypatch.setenv(name, value)
    return ["--endpoint-id", deployed.endpoint_id]


def images(*contents: bytes) -> str:
    output = {"images": [{"image": base64.b64encode(content).decode(), "seed": 7} for content in contents]}
    return json.dumps({"echo": output})


@pytest.mark.usefixtures("at_project")
def test_a_job_of_a_stack_prints_its_output() -> None:
    """Found through the stack's output and configuration, from any folder of the project."""
    result = invoke("run", "--stack", "dev", "--input", '{"echo": {"answer": 42}}')

    assert result.exit_code == 0, result.exception
    first, _, rest = result.stdout.partition("\n")
    assert " COMPLETED in " in first
    assert json.loads(rest) == {"answer": 42}


def test_json_is_the_job_as_the_api_returns_it(by_id: list[str]) -> None:
    """camelCase, and nothing else on standard output."""
    job = run_json("run", *by_id, "-i", '{"echo": 1}')

    assert (job["status"], job["output"]) == ("COMPLETED", 1)
    assert {"id", "delayTime", "executionTime", "workerId"} <= job.keys()


def test_images_become_files(by_id: list[str], tmp_path: Path) -> None:
    """One file per image, the ending taken from the bytes; the directory is made; base64 is left out of the JSON."""
    where = tmp_path / "out" / "deep"
    job = run_json("run", *by_id, "-i", images(PNG, b"\xff\xd8\xff jpeg"), "--save", str(where))

    assert [Path(file).suffix for file in job["saved"]] == [".png", ".jpg"]
    assert [Path(file).read_bytes() for file in job["saved"]] == [PNG, b"\xff\xd8\xff jpeg"]
    assert job["output"]["images"] == [{"seed": 7}, {"seed": 7}]


def test_saved_files_are_named_for_a_person(by_id: list[str], tmp_path: Path) -> None:
    """Their paths are printed, one a line."""
    result = invoke("run", *by_id, "-i", images(PNG), "--save", str(tmp_path))

    assert [Path(line).exists() for line in result.stdout.splitlines()[1:]] == [True]


def test_base64_does_not_flood_the_screen(by_id: list[str]) -> None:
    """Long texts are hinted at, with how to get them."""
    result = invoke("run", *by_id, "-i", images(PNG * 100))

    assert len(result.stdout) < 1000
    assert "--save DIR" in result.stdout


def test_nothing_to_save_is_reported(by_id: list[str], tmp_path: Path) -> None:
    """An output without images."""
    result = invoke("run", *by_id, "-i", '{"echo": 1}', "--save", str(tmp_path))

    assert "nothing to save" in str(result.exception)


def test_a_directory_that_is_a_file_is_reported(by_id: list[str], tmp_path: Path) -> None:
    """One line, no traceback."""
    (tmp_path / "file").write_text("")
    result = invoke("run", *by_id, "-i", images(PNG), "--save", str(tmp_path / "file"))

    assert isinstance(result.exception, RunPodError)


def test_an_input_may_be_a_file_or_standard_input(by_id: list[str], tmp_path: Path) -> None:
    """`@FILE` and `@-`."""
    file = tmp_path / "input.json"
    file.write_text('{"echo": "from a file"}')

    assert run_json("run", *by_id, "-i", f"@{file}")["output"] == "from a file"
    piped = invoke("run", *by_id, "-i", "@-", "--json", stdin='{"echo": "piped"}')
    assert json.loads(piped.stdout)["output"] == "piped"


def test_a_whole_request_may_be_given(by_id: list[str]) -> None:
    """`policy` beside `input`."""
    job = run_json("run", *by_id, "-i", '{"input": {"echo": 1}, "policy": {"executionTimeout": 9000}}')

    assert job["output"] == 1


def test_a_job_can_be_sent_and_fetched_later(by_id: list[str]) -> None:
    """`--async`, then `wait`, then `status`; `stream` reads the parts."""
    sent = run_json("run", *by_id, "-i", '{"parts": ["a", "b"], "sleep": 0.3}', "--async")
    assert sent["status"] in ("IN_QUEUE", "IN_PROGRESS")

    assert run_json("wait", sent["id"], *by_id)["status"] == "COMPLETED"
    assert run_json("status", sent["id"], *by_id)["status"] == "COMPLETED"
    assert invoke("stream", sent["id"], *by_id).stdout.splitlines() == ["a", "b"]


def test_a_failed_job_is_an_error_with_the_workers_reason(by_id: list[str]) -> None:
    """Exit code 1; with --json the job is printed all the same."""
    result = invoke("run", *by_id, "-i", '{"fail": "ValueError: bad prompt"}', "--json")

    assert isinstance(result.exception, JobFailed)
    assert "ValueError: bad prompt" in str(result.exception)
    assert json.loads(result.stdout)["status"] == "FAILED"


def test_a_job_can_be_stopped_and_tried_again(by_id: list[str]) -> None:
    """`cancel` and `retry` print the state."""
    sent = run_json("run", *by_id, "-i", '{"sleep": 3}', "--async")
    assert run_json("cancel", sent["id"], *by_id)["status"] == "CANCELLED"

    failed = run_json("run", *by_id, "-i", '{"fail": "x"}', "--async")
    with pytest.raises(JobFailed):
        raise invoke("wait", failed["id"], *by_id).exception or AssertionError
    assert run_json("retry", failed["id"], *by_id)["status"] == "IN_QUEUE"


def test_waiting_ends_and_says_how_to_go_on(by_id: list[str]) -> None:
    """After --timeout seconds."""
    result = invoke("run", *by_id, "-i", '{"sleep": 2}', "--timeout", "0.2")

    assert isinstance(result.exception, JobNotFinished)


@pytest.mark.usefixtures("at_project")
def test_waiting_ends_when_callers_of_the_stack_are_to_give_up() -> None:
    """Its output `endpoint_timeout_seconds` counts where no other time is given; the job goes on."""
    given_up = invoke("run", "-s", "impatient", "-i", '{"sleep": 2}').exception
    waited_for = invoke("run", "-s", "impatient", "-i", '{"sleep": 2}', "--timeout", "60")

    assert isinstance(given_up, JobNotFinished)
    assert waited_for.exit_code == 0


def test_an_unknown_job_is_explained(by_id: list[str]) -> None:
    """404 with how long results are kept."""
    assert isinstance(invoke("status", "nothing-u1", *by_id).exception, JobGone)


def test_the_queue_can_be_looked_at_and_emptied(by_id: list[str]) -> None:
    """`purge` asks first."""
    assert run_json("health", *by_id)["workers"]["unhealthy"] == 0
    assert invoke("health", *by_id).stdout.startswith("jobs: ")
    assert invoke("purge", *by_id, stdin="n\n").exit_code == 1
    assert run_json("purge", *by_id, "--yes") == {"removed": 0}


@pytest.mark.usefixtures("at_project")
def test_no_endpoint_named_is_reported() -> None:
    """Both ways are named."""
    error = invoke("run", "-i", "{}").exception

    assert isinstance(error, SettingsError)
    assert "--stack" in str(error)


@pytest.mark.usefixtures("at_project")
@pytest.mark.parametrize(
    ("stack", "reason"), [("nowhere", "no stack named 'nowhere'"), ("empty", "has no output 'endpoint_id'")]
)
def test_a_stack_without_an_endpoint_is_reported(stack: str, reason: str) -> None:
    """Unknown, or not deployed."""
    error = invoke("run", "-s", stack, "-i", "{}").exception

    assert isinstance(error, RunPodError)
    assert reason in str(error)


def test_outside_of_a_project_it_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Pulumi.yaml upwards."""
    monkeypatch.chdir(tmp_path)

    assert "no Pulumi.yaml" in str(invoke("run", "-s", "dev", "-i", "{}").exception)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{prompt: fox}", "--input -> not JSON (line 1, column 2)"),
        ("", "--input -> not JSON"),
        ("@nowhere.json", "nowhere.json -> No such file"),
    ],
)
def test_an_input_that_is_not_json_says_where(text: str, place: str) -> None:
    """Before anything is asked of stack or service."""
    assert place in str(invoke("run", "-s", "dev", "-i", text).exception)


@pytest.mark.usefixtures("at_project")
def test_a_deleted_endpoint_is_reported() -> None:
    """The stack knows an id that the service does not."""
    assert isinstance(invoke("run", "-s", "dev", "--endpoint-id", "gone00000000", "-i", "{}").exception, NotFound)


def test_a_load_balancer_is_kept_apart_from_a_queue(deployed: Any, by_id: list[str]) -> None:
    """No job, but the URL to send requests to, in the message and as `endpoint show` prints it."""
    from pulumi_runpod.client import RunPodClient
    from pulumi_runpod.settings import Settings
    from pulumi_runpod.wire.endpoint import ENDPOINTS, CreateEndpoint

    body = {
        "name": "pages", "type": "LOAD_BALANCER", "image": "pages:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"min": 0, "max": 1},
    }  # fmt: skip
    with RunPodClient(Settings.load({}, deployed.runpod.environment)) as client:
        endpoint_id = str(client.create(ENDPOINTS, CreateEndpoint.model_validate(body)).model_dump()["id"])
    base = f"{deployed.runpod.api}/lb/{endpoint_id}"

    refused = invoke("run", "--endpoint-id", endpoint_id, "--input", "{}")
    shown = runner.invoke(app, ["endpoint", "show", "--endpoint-id", endpoint_id, "--json"])

    assert isinstance(refused.exception, RunPodError)
    assert str(refused.exception).endswith(f"send HTTP requests with the API key to {base}")
    assert json.loads(shown.stdout)["requestUrls"] == {"base": base, "health": f"{base}/ping"}
