"""Previews whose interpreters are forked: they say what others say, cost fewer processes, and leave none behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.fork_server.session import EACH_ITS_OWN, forked_interpreters
from pulumi_runpod.gitops.policy_packs import NO_POLICIES, PolicyPacks
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.workspace import Workspace
from tests.gitops.pulumi_project import PulumiProject
from tests.pulumi_folder import ROOT, PulumiFolder
from tests.waiting import eventually

PULUMI = str(ROOT / ".venv" / "bin" / "pulumi")
SITUATIONS = ("create", "update", "replace", "delete", "refused", "crash", "secrets", "hostile", "policies")
FAILED = {"refused", "crash", "update", "policies"}
"""The last two by the policy pack."""
UNTOUCHED = ("in_main", "two_accounts")
"""Programs that are deployed as they are: a preview of them finds nothing to do."""
ODD = ("loud", "surroundings", "exits", "killed", "fails", "syntax")


def forked(
    workspace: Workspace, stacks: Sequence[str], policies: PolicyPacks = NO_POLICIES
) -> tuple[StackPreview, ...]:
    with forked_interpreters(workspace, previews=len(stacks)) as session:
        interpreters = session.interpreters()
        assert interpreters != EACH_ITS_OWN
        return preview_all(workspace, stacks, policies=policies, interpreters=interpreters)


def told(previews: Sequence[StackPreview]) -> dict[str, dict[str, object]]:
    """What a program prints on stdout and stderr, and what it logs, comes in any order."""
    return {
        preview.stack: {
            **preview.json_ready(),
            "notices": sorted((notice.severity, notice.text) for notice in preview.notices),
            "seconds": 0,
        }
        for preview in previews
    }


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulumiFolder]:
    base = tmp_path_factory.mktemp("odd")
    with LocalRunPod() as here, LocalRunPod() as there:
        home = {"PULUMI_HOME": str(base / "home")}
        folder = PulumiFolder(base, Path(__file__).parent / "odd_programs", {**home, **here.environment})
        for program in (*UNTOUCHED, *ODD, "leaves_something_running", "waits", "waits-too"):
            folder.done("stack", "init", program)
            for name, value in (("program", program.removesuffix("-too")), ("otherUrl", there.api)):
                folder.done("config", "set", name, value, "--stack", program)
            for name, value in (("key", "a-key-that-nobody-sees"), ("otherKey", there.api_key)):
                folder.done("config", "set", "--secret", name, value, "--stack", program)
            if program in UNTOUCHED:
                folder.done("up", "--yes", "--skip-preview", "--stack", program)
        yield folder


def workspace_of(folder: PulumiFolder, **environment: str) -> Workspace:
    return Workspace(folder.directory, PULUMI, {**folder.environment, **environment})


@pytest.mark.engine
def test_a_preview_says_the_same_whoever_runs_it(tmp_path: Path) -> None:
    """Every kind of change, a failure, secrets, texts made to break out, a policy: in each place the same words."""
    with LocalRunPod() as runpod:
        project = PulumiProject(tmp_path, runpod.environment)
        for situation in SITUATIONS:
            project.stack(situation, situation, deployed=situation != "create")
        workspace = workspace_of(project)
        policies = PolicyPacks((ROOT / "policy",))
        host_log = tmp_path / "host.log"
        logged = Workspace(
            workspace.directory, PULUMI, {**workspace.environment, "PULUMI_RUNPOD_HOST_LOG": str(host_log)}
        )
        by_one_process = told(forked(logged, SITUATIONS, policies))
        asked_of_hosts = re.findall(r": (Run\w*)$", host_log.read_text(), re.MULTILINE)
        by_their_own = told(preview_all(workspace, SITUATIONS, policies=policies))

    assert by_one_process == by_their_own
    assert {stack for stack, preview in by_one_process.items() if preview["failed"]} == FAILED
    assert asked_of_hosts == ["RunPlugin"] * len(SITUATIONS), "a language host runs the policy pack, and no program"


@pytest.mark.engine
def test_odd_programs_are_run_as_pulumi_runs_them(odd: PulumiFolder) -> None:
    """Code that the state keeps, two accounts, output, exit statuses, what a program sees of its surroundings."""
    stacks = (*UNTOUCHED, *ODD)
    by_one_process = told(forked(workspace_of(odd), stacks))
    by_their_own = told(preview_all(workspace_of(odd), stacks))

    assert by_one_process == by_their_own
    assert [by_one_process[stack]["changes"] for stack in UNTOUCHED] == [[], []]
    failed = {"exits", "killed", "fails", "syntax"}
    assert {stack for stack, preview in by_one_process.items() if preview["failed"]} == failed
    assert by_one_process["loud"]["notices"] == [
        ("info", "said by a command"),
        ("info", "said on stdout"),
        ("warning", "logged"),
        ("warning", "said on stderr"),
    ]


@pytest.mark.engine
def test_what_a_program_leaves_in_the_background_ends_with_its_preview(odd: PulumiFolder) -> None:
    """It holds the program's output open, for which the preview would wait."""
    previews = forked(workspace_of(odd), ("leaves_something_running", "loud"))
    assert not any(preview.failed for preview in previews)


@contextmanager
def meeting() -> Iterator[tuple[socket.socket, str]]:
    """Where programs wait, and the address of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        host, port = server.getsockname()
        yield server, f"{host}:{port}"


@contextmanager
def waiting_programs(odd: PulumiFolder) -> Iterator[tuple[subprocess.Popen[str], list[socket.socket]]]:
    """`preview-comment` of two stacks, whose programs have come to wait: an end of the command ends them."""
    stacks = ("waits", "waits-too")
    with meeting() as (server, address), ExitStack() as held:
        for stack in stacks:
            odd.done("config", "set", "meetAt", address, "--stack", stack)
        with subprocess.Popen(
            [sys.executable, "-m", "pulumi_runpod.cli", "preview-comment", "--stacks", ",".join(stacks)],
            cwd=odd.directory,
            env=odd.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as command:
            try:
                programs = [held.enter_context(server.accept()[0]) for _ in stacks]
                yield command, programs
            finally:
                if command.poll() is None:
                    os.killpg(command.pid, signal.SIGKILL)


def fork_server_of(command: subprocess.Popen[str]) -> psutil.Process:
    (found,) = (child for child in psutil.Process(command.pid).children() if "fork_server" in " ".join(child.cmdline()))
    return found


def gone(program: socket.socket) -> bool:
    """Its end of the connection is closed: by the system, when the process has ended."""
    program.settimeout(30)
    try:
        return program.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_a_command_that_is_ended(odd: PulumiFolder, number: signal.Signals) -> None:
    """By Ctrl-C, which reaches the command and its engines; and by a kill of the command alone."""
    with waiting_programs(odd) as (command, programs):
        server = fork_server_of(command)
        forked_here = server.children(recursive=True)
        assert len(forked_here) >= len(programs)
        if number is signal.SIGINT:
            os.killpg(command.pid, number)
        else:
            command.kill()
        assert all(gone(program) for program in programs)
        eventually(lambda: not any(process.is_running() for process in (server, *forked_here)))


@pytest.mark.engine
def test_a_fork_server_that_is_killed_fails_the_previews(odd: PulumiFolder) -> None:
    """They say so and end; none of its processes is left."""
    with waiting_programs(odd) as (command, programs):
        fork_server_of(command).kill()
        assert all(gone(program) for program in programs)
        out, complaint = command.communicate(timeout=60)
    assert command.returncode == 3, complaint
    assert "preview of waits failed" in complaint
    assert "Traceback" not in out + complaint


@pytest.mark.engine
def test_several_previews_have_one_interpreter_and_one_alone_its_own(odd: PulumiFolder) -> None:
    """Counted in processes: below an engine whose program runs there is neither a language host nor the program."""
    with waiting_programs(odd) as (command, programs):
        engines = [child for child in psutil.Process(command.pid).children() if child.name() == "pulumi"]
        assert len(engines) == len(programs)
        assert [process for engine in engines for process in engine.children(recursive=True)] == []
        assert fork_server_of(command).is_running()
        for program in programs:
            program.sendall(b"1")
        out, complaint = command.communicate(timeout=60)
    assert command.returncode == 0, complaint
    assert "nothing changes" in out
    with forked_interpreters(workspace_of(odd), previews=1) as session:
        assert session.interpreters() == EACH_ITS_OWN


@pytest.mark.parametrize(
    ("project", "environment"),
    [
        ("runtime: {name: python, options: {virtualenv: elsewhere}}", {}),
        ("runtime: {name: python, options: {toolchain: uv}}", {}),
        ("runtime: {name: python, options: {typechecker: mypy}}", {}),
        ("runtime: python\nmain: src", {}),
        ("runtime: nodejs", {}),
        ("runtime: [", {}),
        ("runtime: python", {"PULUMI_PYTHON_CMD": "python3"}),
        ("runtime: python", {"PATH": "/nowhere"}),
        ("runtime: python # with a lock", {}),
    ],
)
def test_a_project_of_another_python_keeps_it(tmp_path: Path, project: str, environment: dict[str, str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: other\n{project}\n")
    if "lock" in project:
        (tmp_path / "uv.lock").touch()
    workspace = Workspace(tmp_path, PULUMI, {**os.environ, **environment})
    with forked_interpreters(workspace, previews=2) as session:
        assert session.server is None
        assert session.interpreters() == EACH_ITS_OWN


@pytest.mark.parametrize("options", ["", "virtualenv", "virtualenv, toolchain: pip"])
def test_a_project_of_this_python_is_served(tmp_path: Path, options: str) -> None:
    """It is named in the project file, or the first on PATH."""
    told = options.replace("virtualenv", f"virtualenv: {sys.prefix}")
    (tmp_path / "Pulumi.yaml").write_text(f"name: ours\nruntime: {{name: python, options: {{{told}}}}}\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with forked_interpreters(Workspace(tmp_path, PULUMI, {**os.environ, "PATH": path}), previews=2) as session:
        assert session.interpreters().arguments[0] == "--client"


def test_a_pulumi_without_its_exec_script_beside_it_keeps_its_own_pythons(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: ours\nruntime: python\n")
    alone = shutil.copy(PULUMI, tmp_path / "pulumi")
    with forked_interpreters(Workspace(tmp_path, str(alone), os.environ), previews=2) as session:
        assert session.server is None


def test_a_fork_server_that_does_not_come_up_is_done_without(tmp_path: Path) -> None:
    """A module of the project stands before one that it needs."""
    (tmp_path / "Pulumi.yaml").write_text(
        f"name: ours\nruntime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
    )
    (tmp_path / "grpc.py").write_text("raise ImportError('not the one you want')\n")
    with forked_interpreters(Workspace(tmp_path, PULUMI, os.environ), previews=2) as session:
        assert session.server is not None
        assert session.interpreters() == EACH_ITS_OWN
