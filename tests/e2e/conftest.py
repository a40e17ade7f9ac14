"""The real engine (Automation API, inline programs, file backend) against a real local RunPod.

Nothing is mocked: the program runs in this process, providers in the engine's own shim process, and calls are counted
where they arrive.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.install import install
from pulumi_runpod.resources.registration import VARIABLE
from pulumi_runpod.settings import Settings
from tests.e2e.killable import Killable

ROOT = Path(__file__).resolve().parents[2]
RESOURCE_ROUTES = ("/v2/serverless*", "/v2/templates*", "/v2/network-volumes*", "/v2/registries*", "/v2/account/*")

# gRPC shares connections by address in a process. Stubs of failed inline programs live on for a while, their
# connections in back-off; a new engine on the same port as one of those would be called unavailable at once.
_GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))


def is_ours(token: str) -> bool:
    """Whether a type is one of this package's resources, of whichever provider."""
    return token.startswith(("pulumi-python:dynamic/runpod:", "runpod-serverless:index:"))


@dataclass
class Outcome:
    """What a command of the engine did: steps by operation (`same` left out), and the text a person would have seen."""

    text: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    """`(operation, resource name)` of resources of RunPod."""
    kinds: list[tuple[str, str, str]] = field(default_factory=list)
    """The same as `(operation, kind, resource name)`."""
    images: list[tuple[str, str]] = field(default_factory=list)
    """`(operation, resource name)` of images."""
    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """Everything else that was said: warnings, and what providers print."""
    failed: bool = False
    outputs: dict[str, Any] = field(default_factory=dict)

    def names(self, operation: str) -> list[str]:
        return sorted(name for op, name in self.steps if op == operation)


class RealStack:
    """A stack of the real engine whose program can change from command to command."""

    def __init__(self, stack: automation.Stack, program: Callable[[], None], file: Path) -> None:
        self._stack = stack
        self._file = file
        self.program = program

    def up(self, program: Callable[[], None] | None = None, **options: Any) -> Outcome:
        self.program = program or self.program
        return self._run(lambda **o: self._stack.up(program=self.program, **options, **o))

    def preview(self, program: Callable[[], None] | None = None, **options: Any) -> Outcome:
        self.program = program or self.program
        return self._run(lambda **o: self._stack.preview(program=self.program, **options, **o))

    def refresh(self, **options: Any) -> Outcome:
        return self._run(lambda **o: self._stack.refresh(**options, **o))

    def destroy(self, **options: Any) -> Outcome:
        return self._run(lambda **o: self._stack.destroy(**options, **o))

    def config(self, key: str, value: str, *, secret: bool = False) -> None:
        self._stack.set_config(key, automation.ConfigValue(value, secret=secret))

    def state(self) -> dict[str, Any]:
        """The deployment as it lies in the backend, secrets encrypted."""
        return dict(json.loads(self._file.read_text())["checkpoint"]["latest"] or {})

    def state_text(self) -> str:
        return json.dumps(self.state())

    def resources(self) -> dict[str, dict[str, Any]]:
        """Resources of ours in the state, by name."""
        found = [r for r in self.state().get("resources", []) if is_ours(r["type"])]
        return {r["urn"].rsplit("::", 1)[1]: r for r in found}

    def rewrite(self, change: Callable[[dict[str, Any]], None]) -> None:
        """The state as somebody else would have left it: `change` is called with each resource of ours."""
        state = self._stack.export_stack()
        for resource in (state.deployment or {})["resources"]:
            if "dynamic/runpod:" in resource["type"]:
                change(resource)
        self._stack.import_stack(state)

    def _run(self, command: Callable[..., Any]) -> Outcome:
        lines: list[str] = []
        outcome = Outcome(text="")
        events: list[automation.EngineEvent] = []
        try:
            done = command(on_output=lines.append, on_event=events.append, color="never")
        except automation.CommandError as error:
            outcome.failed = True
            lines.append(str(error))
        else:
            outputs = getattr(done, "outputs", None)
            if outputs:
                outcome.outputs = {key: value.value for key, value in outputs.items()}
        if outcome.failed:
            _collect_failed_program()
        for event in events:
            if event.diagnostic_event is not None and event.diagnostic_event.severity != "debug":
                result = event.diagnostic_event
                (outcome.errors if result.severity == "error" else outcome.notices).append(result.message.strip())
            if event.resource_pre_event is not None:
                step = event.resource_pre_event.metadata
                step_of = (str(getattr(step.op, "value", step.op)), step.urn.rsplit("::", 1)[1])
                if is_ours(step.type) and step.op != "same":
                    outcome.steps.append(step_of)
                    outcome.kinds.append((step_of[0], step.type.rpartition(":")[2], step_of[1]))
                if step.type == "docker-build:index:Image" and step.op != "same":
                    outcome.images.append(step_of)
        outcome.text = "\n".join(lines)
        return outcome


def _collect_failed_program() -> None:
    """The SDK leaves coroutines and the loop of an inline program behind when the engine refuses a resource.

    Collected here, so that their complaints do not land in whatever test runs next.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = hook


class Engine:
    """Makes stacks; one Pulumi home for a session, one backend for a test."""

    def __init__(self, command: automation.PulumiCommand, home: Path, base: Path) -> None:
        self.command, self.home, self.base = command, home, base

    def stack(
        self, program: Callable[[], None], environment: Mapping[str, str], *, name: str = "dev", project: str = "e2e"
    ) -> RealStack:
        backend = self.base / "backend"
        backend.mkdir(exist_ok=True)
        options = automation.LocalWorkspaceOptions(
            pulumi_command=self.command,
            pulumi_home=str(self.home),
            project_settings=automation.ProjectSettings(
                name=project, runtime="python", backend=automation.ProjectBackend(url=f"file://{backend}")
            ),
            env_vars={
                "PULUMI_CONFIG_PASSPHRASE": "e2e",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "PATH": f"{ROOT / '.venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin",
                **environment,
            },
        )
        made = automation.create_or_select_stack(stack_name=name, project_name=project, program=program, opts=options)
        return RealStack(made, program, backend / ".pulumi" / "stacks" / project / f"{name}.json")


@pytest.fixture(autouse=True)
def _quiet_failed_programs() -> Iterator[None]:
    """gRPC logs what the SDK does after a program was refused; here that is what tests look at on purpose."""
    logger = logging.getLogger("grpc._server")
    was, logger.disabled = logger.disabled, True
    yield
    logger.disabled = was
    _collect_failed_program()


@pytest.fixture(autouse=True, scope="session")
def _nothing_left_behind() -> Iterator[None]:
    yield
    _collect_failed_program()


@pytest.fixture(scope="session")
def pulumi_command() -> automation.PulumiCommand:
    """The engine that the set-up chose for this clone."""
    program = ROOT / ".venv" / "bin" / "pulumi"
    assert program.exists(), f"{program} is missing; run: python3 tools/setup.py"
    return automation.PulumiCommand(root=str(program.resolve().parents[1]))


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pulumi-home")


@pytest.fixture
def adapter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, pulumi_home: Path) -> str:
    """Which provider this test's programs register with: "dynamic", unless BOTH_ADAPTERS says otherwise."""
    name = str(getattr(request, "param", "dynamic"))
    if name == "native":
        install(pulumi_home)
    monkeypatch.setenv(VARIABLE, name)
    return name


@pytest.fixture
def engine(adapter: str, pulumi_command: automation.PulumiCommand, pulumi_home: Path, tmp_path: Path) -> Engine:
    return Engine(pulumi_command, pulumi_home, tmp_path)


@pytest.fixture
def deploy(engine: Engine, local_runpod: LocalRunPod) -> Callable[..., RealStack]:
    """`deploy(program)`: a stack whose providers talk to this test's local RunPod."""

    def make(program: Callable[[], None], **options: Any) -> RealStack:
        return engine.stack(program, local_runpod.environment, **options)

    return make


@pytest.fixture
def outsider(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    """Somebody else with the same account: a person at the console, or the platform itself."""
    with RunPodClient(Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)) as client:
        yield client


@pytest.fixture
def resource_calls(local_runpod: LocalRunPod) -> Callable[[], list[str]]:
    """`METHOD path` of every call on a resource route since the last `forget_calls`."""

    def calls() -> list[str]:
        return [f"{c.method} {c.path}" for route in RESOURCE_ROUTES for c in local_runpod.calls(path=route)]

    return calls


@pytest.fixture
def killable(adapter: str, tmp_path: Path, pulumi_home: Path, local_runpod: LocalRunPod) -> Iterator[Killable]:
    """A project whose `pulumi` may be killed; what outlives it ends with the test."""
    project = Killable.made_in(tmp_path, {**local_runpod.environment, VARIABLE: adapter}, home=pulumi_home)
    yield project
    project.end_survivors()
