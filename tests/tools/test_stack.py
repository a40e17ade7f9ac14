"""`make up` and `make down`: on the local RunPod nothing is asked, with an account everything is.

The programs that they start are stand-ins that note how they were called: an account can't be had here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from probe_projects import ROOT
from setup_stand_ins import Recorder

LOCAL = "config:\n  runpod:apiBaseUrl: http://127.0.0.1:8777\n"
BUILDS = f"{LOCAL}  runpod-sdxl:image: build\n"
IMAGES = """
import os, sys
open("{log}", "a").write(" ".join(["images", *sys.argv[1:]]) + "\\n")
if sys.argv[1] == "start":
    print(os.environ["IMAGES_TOLD"])
sys.exit(int(os.environ.get("IMAGES_STATUS", "0")))
"""
STARTED = '{"registry": "127.0.0.1:8790", "builder": "ours", "started": ["buildkitd", "registry"]}'
PULUMI = r"""
echo "passphrase ${PULUMI_CONFIG_PASSPHRASE-unset}" >> "$0.passphrases"
echo "$1 ${RUNPOD_API_BASE_URL-unset}" >> "$0.addresses"
case "$*" in
  *"stack ls"*) echo '[{"name": "dev"}, {"name": "prod"}]' ;;
  *"stack output"*) echo '{"endpoint_id": "abc", "image": "127.0.0.1:8790/sdxl:dev@sha256:ab"}' ;;
esac
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the script in its own tree, with stand-ins first on PATH."""

    root: Path
    recorder: Recorder

    def run(self, *arguments: str, script: str = "stack.py", **environment: str) -> list[str]:
        """The calls that it made of `pulumi`, `pulumi-runpod` and `tools/images.py`."""
        done = self.start(*arguments, script=script, **environment)
        assert done.returncode == 0, done.stderr
        return self.recorder.calls

    def start(self, *arguments: str, script: str = "stack.py", **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {"PATH": f"{self.recorder.directory}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.root)}
        command = [sys.executable, str(self.root / "tools" / script), *arguments]
        return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=False)

    def images(self) -> dict[str, object]:
        """What the stacks' program reads."""
        return dict(json.loads((self.root / ".local" / "images.json").read_text()))

    def passphrases(self) -> set[str]:
        return set((self.recorder.directory / "pulumi.passphrases").read_text().splitlines())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root, programs = tmp_path / "project", tmp_path / "bin"
    for folder in (root / "tools", root / "stacks", root / ".venv-worker" / "bin", programs):
        folder.mkdir(parents=True)
    for script in ("stack.py", "local_images.py"):
        shutil.copy2(ROOT / "tools" / script, root / "tools")
    (root / "tools" / "images.py").write_text(IMAGES.format(log=programs / "calls.log"))
    (root / "stacks" / "Pulumi.dev.yaml").write_text(LOCAL)
    recorder = Recorder(programs)
    recorder.program("pulumi", PULUMI)
    recorder.program("pulumi-runpod")
    (root / ".venv-worker" / "bin" / "python").symlink_to(recorder.program("worker-python"))
    return Tree(root, recorder)


def test_the_local_runpod_is_started_and_nothing_is_asked(tree: Tree) -> None:
    """It costs nothing, and its stack holds no secret."""
    calls = tree.run("up", "dev")

    assert any(call.startswith("pulumi-runpod emulator start --port 8777") for call in calls)
    assert "pulumi up --stack dev --yes --skip-preview --non-interactive" in calls
    assert tree.passphrases() == {"passphrase "}


@pytest.mark.parametrize(("action", "command"), [("up", "up"), ("down", "destroy")])
def test_with_an_account_the_engine_shows_its_plan_and_asks(tree: Tree, action: str, command: str) -> None:
    """Neither a change nor a passphrase is taken for granted where there is money."""
    calls = tree.run(action, "prod")

    assert f"pulumi {command} --stack prod" in calls
    assert not any("--yes" in call for call in calls)
    assert not any("emulator start" in call for call in calls)
    assert tree.passphrases() == {"passphrase unset"}


def test_interrupted_creates_are_recovered_before_an_update(tree: Tree) -> None:
    """A second create beside a forgotten one would be billed twice."""
    calls = tree.run("up", "prod")

    assert calls.index("pulumi-runpod recover --stack prod") < calls.index("pulumi up --stack prod")


def test_the_environment_may_point_a_stack_at_the_local_runpod(tree: Tree) -> None:
    """As the settings do; the settings win."""
    calls = tree.run("up", "prod", RUNPOD_API_BASE_URL="http://127.0.0.1:9000")

    assert any("--port 9000" in call for call in calls)
    assert any("--port 8777" in call for call in tree.run("up", "dev", RUNPOD_API_BASE_URL="http://127.0.0.1:9000"))


def test_a_port_that_is_taken_is_reported_with_the_way_to_another(tree: Tree) -> None:
    """After the server's own reason; nothing is deployed."""
    tree.recorder.program("pulumi-runpod", 'case "$*" in *"emulator start"*) echo "error: in use" >&2; exit 1;; esac')
    done = tree.start("up", "dev")

    assert done.returncode == 1
    assert done.stderr == (
        "error: in use\n"
        "To have it on another port: .venv/bin/pulumi config set runpod:apiBaseUrl http://127.0.0.1:8778 --stack dev\n"
    )
    assert not any(call.startswith("pulumi up") for call in tree.recorder.calls)


def test_previews_of_all_stacks_go_to_the_local_runpod_alone(tree: Tree) -> None:
    """A stack with an account is previewed there, too, under no passphrase but the person's own."""
    shutil.copy2(ROOT / "tools" / "preview_all.py", tree.root / "tools")
    (tree.root / "stacks" / "Pulumi.prod.yaml").write_text("config:\n  runpod-sdxl:workersMin: 1\n")
    calls = tree.run(script="preview_all.py")
    result = (tree.recorder.directory / "pulumi.addresses").read_text().splitlines()

    assert sum(call.startswith("pulumi preview --stack") for call in calls) == 2
    assert result.count("preview http://127.0.0.1:8777") == 2
    assert tree.passphrases() == {"passphrase unset"}


def test_a_stack_that_builds_its_image_gets_what_builds_it(tree: Tree) -> None:
    """Started before the update, handed to the program, and emptied after it of all but the image that runs."""
    (tree.root / "stacks" / "Pulumi.dev.yaml").write_text(BUILDS)
    calls = tree.run("up", "dev", IMAGES_TOLD=STARTED)
    update = next(n for n, call in enumerate(calls) if call.startswith("pulumi up"))

    assert calls.index("images start --as-it-is") < update
    assert calls.index("images prune 127.0.0.1:8790/sdxl:dev@sha256:ab") > update
    assert (tree.images()["registry"], tree.images()["builder"]) == ("127.0.0.1:8790", "ours")


@pytest.mark.parametrize("settings", [LOCAL, f"{BUILDS}  runpod-sdxl:imageRepository: registry.example.com/a/b\n"])
def test_other_stacks_start_nothing_that_builds_here(tree: Tree, settings: str) -> None:
    """Those that name an image, and those that push elsewhere."""
    (tree.root / "stacks" / "Pulumi.dev.yaml").write_text(settings)
    (tree.root / "tools" / "setup.py").write_text("")

    assert not [call for call in tree.run("up", "dev") if call.startswith("images")]


@pytest.mark.parametrize(("runtime", "asked"), [("process", False), ("", True)])
def test_without_an_engine_or_on_request_workers_are_processes(tree: Tree, runtime: str, asked: bool) -> None:
    """The program gets no registry, nothing is emptied, and with RUNTIME=process no engine is looked for."""
    (tree.root / "stacks" / "Pulumi.dev.yaml").write_text(BUILDS)
    calls = tree.run("up", "dev", RUNTIME=runtime, IMAGES_TOLD="{}")

    assert [call for call in calls if call.startswith("images")] == ["images start --as-it-is"] * asked
    assert tree.images() == {"started": []}


def test_down_ends_what_up_has_started_and_nothing_else(tree: Tree) -> None:
    """Also what an earlier `up` started, when a later one found it running; a second `down` ends nothing."""
    (tree.root / "stacks" / "Pulumi.dev.yaml").write_text(BUILDS)
    tree.run("up", "dev", IMAGES_TOLD=STARTED)
    tree.run("up", "dev", IMAGES_TOLD=STARTED.replace('["buildkitd", "registry"]', '["dockerd"]'))
    tree.run("up", "dev", RUNTIME="process")
    tree.run("down", "dev")
    calls = tree.run("down", "dev")

    assert [call for call in calls if call.startswith("images stop")] == ["images stop buildkitd dockerd registry"]


def test_nothing_is_deployed_when_images_cannot_be_built(tree: Tree) -> None:
    """Too little space, for one: its own words are the message. A RUNTIME that is none is refused, too."""
    (tree.root / "stacks" / "Pulumi.dev.yaml").write_text(BUILDS)
    full = tree.start("up", "dev", IMAGES_TOLD="", IMAGES_STATUS="1")
    wrong = tree.start("up", "dev", RUNTIME="docker")

    assert (full.returncode, wrong.returncode) == (1, 1)
    assert "RUNTIME is 'docker': set process" in wrong.stderr
    assert not [call for call in tree.recorder.calls if call.startswith(("pulumi up", "pulumi-runpod emulator"))]
