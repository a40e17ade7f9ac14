"""What a user sees when the real engine runs Python programs through this clone's toolchain."""

from __future__ import annotations

import json
import os
import re
import select
import signal
from pathlib import Path

import pytest
from probe_projects import ROOT, Events, Projects

pytestmark = pytest.mark.engine

ONE_RESOURCE = "import toolchain_probe\n\ntoolchain_probe.Probe('a', 3)\n"


def test_the_engine_finds_its_helpers_beside_its_own_binary(pulumi_program: Path, projects: Projects) -> None:
    """A link to `pulumi` on PATH is enough, and the program knows its version."""
    for helper in ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        assert os.access(pulumi_program.with_name(helper), os.X_OK), helper
    said = projects.make({"__main__.py": ""}).pulumi("version")
    assert re.fullmatch(r"v3\.\d+\.\d+\n", said.out)


def test_an_update_of_one_dynamic_resource_says_nothing_but_its_result(projects: Projects) -> None:
    """No warning, no traceback, no line on stderr."""
    done = projects.make({"__main__.py": ONE_RESOURCE}).up()
    assert done.status == 0, done.text
    assert "+ 2 created" in done.out
    assert done.diagnostics == []
    assert "warning" not in done.text
    assert "Traceback" not in done.text


def test_a_failing_check_shows_the_failures_alone(projects: Projects) -> None:
    """The program is ended without printing anything."""
    project = projects.make({"__main__.py": "import toolchain_probe\n\ntoolchain_probe.Probe('a', 101)\n"})
    for command in (project.up, lambda: project.pulumi("preview")):
        done = command()
        assert done.status == 1
        errors = [line for line in done.diagnostics if not line.startswith("pulumi")]
        failure = "property size value {101} has a problem: size must be at most 100"
        assert errors == [f"error: pulumi-python:dynamic/probe:Probe resource 'a': {failure}"], done.text


def test_a_run_error_is_one_message_without_a_traceback(projects: Projects) -> None:
    """The program's own words come first; the official exec script adds that the program ended with status 1."""
    done = projects.make({"__main__.py": "import pulumi\n\nraise pulumi.RunError('the region is closed')\n"}).up()
    assert done.status != 0
    errors = [line for line in done.diagnostics if line.startswith("error: ")]
    assert errors == [
        "error: the region is closed",
        "error: an unhandled error occurred: program exited with non-zero exit code: 1",
    ], done.text
    assert "Traceback" not in done.text


def test_an_exception_in_the_program_is_one_traceback_that_begins_in_the_program(projects: Projects) -> None:
    """Nothing of the SDK or of the host is above the user's own line."""
    done = projects.make({"__main__.py": "def broken():\n    return 1 // 0\n\n\nbroken()\n"}).up()
    assert done.status != 0
    assert done.text.count("Traceback") == 1
    files = re.findall(r'File "([^"]+)"', done.text)
    assert [Path(file).name for file in files] == ["__main__.py", "__main__.py"], done.text
    assert "program exited" not in done.text


def test_an_interrupted_update_still_records_the_resource_that_was_being_made(
    projects: Projects, events: Events
) -> None:
    """After Ctrl-C the create runs to its end, its result is in the state, and nobody prints a traceback."""
    project = projects.make({"__main__.py": ONE_RESOURCE})
    running = project.start_up({"PROBE_PIPES": str(events.directory)})
    assert running.stdout is not None
    with running:
        events.started()
        running.send_signal(signal.SIGINT)
        before = []
        for line in running.stdout:
            before.append(line)
            if "^C received" in line:
                break
        events.go()
        text = "".join(before) + running.stdout.read()
    assert running.returncode != 0
    assert "update canceled" in text
    assert not re.search(r"Traceback|KeyboardInterrupt|SIGTERM|exit code|unhandled", text), text
    state = json.loads(project.pulumi("stack", "export").out)["deployment"]
    recorded = [one["id"] for one in state["resources"] if one["type"] == "pulumi-python:dynamic/probe:Probe"]
    assert recorded == ["probe-id"]
    assert not state.get("pending_operations")


def test_host_and_program_end_when_the_engine_is_killed(projects: Projects, events: Events) -> None:
    """Nothing can tell them, so they notice that the engine's pipe has ended."""
    project = projects.make({"__main__.py": ONE_RESOURCE})
    with project.start_up({"PROBE_PIPES": str(events.directory)}) as running:
        parts = events.started()
        watched = {role: os.pidfd_open(parts[role]) for role in ("host", "program")}
        running.kill()
        try:
            alive = {role for role, descriptor in watched.items() if not select.select([descriptor], [], [], 20)[0]}
        finally:
            for descriptor in watched.values():
                os.close(descriptor)
        assert alive == set()
        # The shim outlives the engine with any toolchain; it holds the pipe that `with` waits for.
        events.end_provider()


def test_about_names_the_python_that_runs_the_program(projects: Projects) -> None:
    """The one that `python3` means in the user's shell when Pulumi.yaml names no environment."""
    done = projects.make({"__main__.py": ""}).pulumi("about", "--json")
    about = json.loads(done.out)
    assert about["runtime"]["executable"].startswith(str(ROOT / ".venv"))
    assert {"pip", "pytest-timeout"} <= {one["name"] for one in about["dependencies"]}
    # Needed by another package, so not one that the user asked for.
    assert "grpcio" not in {one["name"] for one in about["dependencies"]}


def test_a_preview_as_json_is_one_document(projects: Projects) -> None:
    """No stray line of the host breaks it."""
    done = projects.make({"__main__.py": ONE_RESOURCE}).pulumi("preview", "--json")
    assert json.loads(done.out)["changeSummary"] == {"create": 2}
    assert done.err == ""


def test_output_of_the_program_is_shown_under_the_stack(projects: Projects) -> None:
    """What it prints comes through, both streams."""
    done = projects.make({"__main__.py": "import sys\n\nprint('to out')\nprint('to err', file=sys.stderr)\n"}).up()
    assert done.status == 0
    assert {"to out", "to err"} <= set(done.diagnostics)


def test_configuration_reaches_the_program_with_its_secrets_marked(projects: Projects) -> None:
    """A secret is readable in the program, and is not shown."""
    project = projects.make(
        {"__main__.py": "import pulumi\n\npulumi.export('word', pulumi.Config().require_secret('word'))\n"}
    )
    assert project.pulumi("config", "set", "--secret", "word", "hush").status == 0
    done = project.up()
    assert "[secret]" in done.out
    assert "hush" not in done.text
    assert project.pulumi("stack", "output", "word", "--show-secrets").out.strip() == "hush"
