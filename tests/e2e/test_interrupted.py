"""`pulumi up` killed in the middle of a create: `recover`, then `up`, and there is one object per declaration."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.waiting import eventually

pytestmark = pytest.mark.engine

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
VOLUME = "from pulumi_runpod import NetworkVolume\nNetworkVolume('weights', size=10, data_center='EU-RO-1'{})\n"
TEMPLATE = (
    "import pulumi\nfrom pulumi_runpod import Template\n"
    "Template('worker', image='registry.example.com/team/worker:1', env={'TOKEN': pulumi.Output.secret('tok-77aa')})\n"
)


@dataclass
class Killable:
    """A project that a `pulumi` process of its own runs, as in a terminal."""

    directory: Path
    environ: dict[str, str]
    survivors: list[psutil.Process] = field(default_factory=list)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def up(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", *options)

    def kill_during(self, arrived: Callable[[], bool], *options: str, and_provider: bool = False) -> None:
        """`pulumi up`, killed as soon as `arrived()`; with `and_provider`, its provider at the same moment."""
        running = self._begun(arrived, *options)
        family = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.wait()
        self.survivors.extend(family)
        if and_provider:
            self.end_survivors()

    def lose_provider_during(self, arrived: Callable[[], bool]) -> int:
        """`pulumi up`, whose provider alone is killed as soon as `arrived()`; the exit code of the engine."""
        running = self._begun(arrived)
        family = psutil.Process(running.pid).children(recursive=True)
        providers = [process for process in family if "pulumi.dynamic" in process.cmdline()]
        assert providers
        for provider in providers:
            provider.kill()
        return running.wait(60)

    def _begun(self, arrived: Callable[[], bool], *options: str) -> subprocess.Popen[bytes]:
        """`pulumi up` in the moment of `arrived()`."""
        running = subprocess.Popen(
            [BIN / "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", *options],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def seen() -> bool:
            found = arrived()
            assert found or running.poll() is None, "pulumi ended before the call arrived"
            return found

        eventually(seen, 60)
        return running

    def end_survivors(self) -> None:
        """The provider's process outlives the engine: it cannot know that nobody listens any more."""
        while self.survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.survivors.pop().kill()

    def program(self, text: str) -> None:
        (self.directory / "__main__.py").write_text(text)

    def pending(self) -> list[Any]:
        exported = json.loads(self.run("pulumi", "stack", "export").stdout)
        return exported["deployment"].get("pending_operations") or []


@pytest.fixture
def killable(tmp_path: Path, pulumi_home: Path, local_runpod: LocalRunPod) -> Iterator[Killable]:
    directory, backend = tmp_path / "project", tmp_path / "backend"
    directory.mkdir()
    backend.mkdir()
    (directory / "Pulumi.yaml").write_text("name: killed\nruntime: python\n")
    project = Killable(
        directory,
        {
            **{name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ},
            **local_runpod.environment,
            "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "e2e",
            "PULUMI_HOME": str(pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )
    assert project.run("pulumi", "stack", "init", "dev").returncode == 0
    yield project
    project.end_survivors()


def objects(local_runpod: LocalRunPod, kind: str) -> list[str]:
    return [row.id for row in local_runpod.call(lambda p: p.store.list(kind))]


def made(local_runpod: LocalRunPod, kind: str) -> str:
    """Waits until the service has made the object for which nobody waits any more."""
    return eventually(lambda: objects(local_runpod, kind) or None)[0]


def arrived(local_runpod: LocalRunPod) -> Callable[[], bool]:
    """A POST has come in, and its answer is held back."""
    return lambda: any(fault["taken"] for fault in local_runpod.call(lambda p: p.faults.list()))


def arrived_all(local_runpod: LocalRunPod) -> bool:
    """Every declared fault has met its call."""
    return all(fault["taken"] for fault in local_runpod.call(lambda p: p.faults.list()))


@pytest.mark.parametrize(("program", "kind"), [(VOLUME.format(""), "network volume"), (TEMPLATE, "template")])
def test_an_object_made_by_a_killed_up_is_recovered(
    killable: Killable, local_runpod: LocalRunPod, program: str, kind: str
) -> None:
    """The state in the backend is all that is needed: nothing is kept on the machine."""
    killable.program(program)
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod))
    assert len(killable.pending()) == 1

    locked = killable.up()
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock", "--json")
    again = killable.up("--expect-no-changes")
    refreshed = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    told = json.loads(recovered.stdout)

    assert locked.returncode != 0
    assert [entry["verdict"] for entry in told] == ["recovered"], recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert objects(local_runpod, kind) == [told[0]["id"]]
    assert killable.pending() == []
    assert "tok-77aa" not in (killable.directory.parent / "backend/.pulumi/stacks/killed/dev.json").read_text()
    assert killable.run("pulumi", "destroy", "--yes", "--skip-preview").returncode == 0
    assert objects(local_runpod, kind) == []


def test_an_object_made_by_a_killed_provider_is_an_orphan(killable: Killable, local_runpod: LocalRunPod) -> None:
    """The engine lives on, fails and forgets the create: so its marker alone tells whose it is."""
    killable.program(VOLUME.format(""))
    # The object is made, its answer lost; then the provider is held up while it looks for what it may have made.
    local_runpod.fault("http.cut_after", method="POST", path="/v2/*")
    local_runpod.fault("http.delay", method="GET", path="/v2/network-volumes", delay=5.0)
    failed = killable.lose_provider_during(lambda: arrived_all(local_runpod))
    [volume] = objects(local_runpod, "network volume")
    pending = killable.pending()
    listed = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    deleted = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--volumes", "--yes")
    again = killable.up()

    assert failed != 0
    assert pending == []
    assert [entry["id"] for entry in listed] == [volume]
    assert deleted.returncode == 0, deleted.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(objects(local_runpod, "network volume")) == 1


def test_an_up_killed_before_anything_was_made_starts_anew(killable: Killable, local_runpod: LocalRunPod) -> None:
    """`recover` looks for a while, since the service may still be at work, and then clears the entry."""
    killable.program(VOLUME.format(""))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod), and_provider=True)
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock")
    again = killable.up()

    assert "nothing was made" in recovered.stdout, recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert "pending operations" not in again.stdout + again.stderr
    assert len(objects(local_runpod, "network volume")) == 1


def test_a_killed_replacement_leaves_one_new_object_and_the_old_one_to_be_deleted(
    killable: Killable, local_runpod: LocalRunPod
) -> None:
    """`--target-replace`: the new name differs, so neither object is taken for the other."""
    killable.program(TEMPLATE)
    assert killable.up().returncode == 0
    [old] = objects(local_runpod, "template")
    urn = next(
        r["urn"]
        for r in json.loads(killable.run("pulumi", "stack", "export").stdout)["deployment"]["resources"]
        if "dynamic/runpod" in r["type"]
    )
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod), "--target-replace", urn)
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock", "--json")
    again = killable.up()
    now = objects(local_runpod, "template")

    assert json.loads(recovered.stdout)[0]["verdict"] == "recovered", recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert now == [json.loads(recovered.stdout)[0]["id"]]
    assert now != [old]


def test_under_a_chosen_name_a_person_decides(killable: Killable, local_runpod: LocalRunPod) -> None:
    """The command says what is there and changes nothing; `--take` and `--forget` are the two answers."""
    killable.program(VOLUME.format(", name='chosen'"))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod))
    asked = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock")
    [volume] = objects(local_runpod, "network volume")
    taken = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--take", f"weights={volume}")
    again = killable.up("--expect-no-changes")

    assert asked.returncode == 1
    assert volume in asked.stdout
    assert "--take RESOURCE=ID" in asked.stderr
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert objects(local_runpod, "network volume") == [volume]


def test_orphans_are_what_no_stack_knows(killable: Killable, local_runpod: LocalRunPod) -> None:
    """An `up` after a kill makes a second object; the first is found by the project's marker, and deleted on request.

    What another project or a person made is none of it, nor is a volume deleted without being named.
    """
    killable.program(VOLUME.format("") + TEMPLATE)
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0, times=2)
    killable.kill_during(lambda: sum(int(str(f["taken"])) for f in local_runpod.call(lambda p: p.faults.list())) == 2)
    made(local_runpod, "template")
    made(local_runpod, "network volume")
    assert killable.run("pulumi", "cancel", "--yes").returncode == 0
    hidden = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json")
    forgotten = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--forget", "weights", "--forget", "worker")
    assert forgotten.returncode == 0, forgotten.stderr
    assert killable.up().returncode == 0
    listed = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    deleted = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--yes")
    left = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    all_gone = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--volumes", "--yes")

    assert json.loads(hidden.stdout) == [], "what `recover` can still bring back is no orphan"
    assert sorted(entry["kind"] for entry in listed) == ["network volume", "template"]
    assert deleted.returncode == 0, deleted.stderr
    assert [entry["kind"] for entry in left] == ["network volume"]
    assert all_gone.returncode == 0, all_gone.stderr
    assert (len(objects(local_runpod, "template")), len(objects(local_runpod, "network volume"))) == (1, 1)
    assert killable.up("--expect-no-changes").returncode == 0
