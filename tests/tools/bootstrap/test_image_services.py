"""Builder and registry of a machine: real ones, in a directory of the test's own."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import images
import pytest
from setup_stand_ins import Recorder

from bootstrap import docker_engine, image_services, image_toolchain
from bootstrap.errors import SetupError
from bootstrap.image_services import ImageServices
from bootstrap.image_toolchain import ImageTools
from bootstrap.places import this_clone


@pytest.fixture
def tools() -> ImageTools:
    tools = image_toolchain.find_tools(this_clone())
    if tools is None:
        pytest.skip("no builder and registry here; as root: python3 tools/setup.py --only images")
    return tools


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageServices]:
    """In a short path, since it holds a socket; buildx knows of it there alone."""
    directory = Path(tempfile.mkdtemp(prefix="pr-images-"))
    monkeypatch.setenv("BUILDX_CONFIG", str(directory / "buildx"))
    services = ImageServices(directory)
    with warnings.catch_warnings():
        # They outlive the process that starts them, and are ended by their pids.
        warnings.simplefilter("ignore", ResourceWarning)
        yield services
        services.stop()
    shutil.rmtree(directory, ignore_errors=True)


def test_services_are_started_once_and_stopped_by_name(services: ImageServices, tools: ImageTools) -> None:
    """A second start finds them; those that are named end, the others go on until all are stopped."""
    services.start(tools)
    pids = (services.builder.pid(), services.store.pid())
    services.start(tools)

    assert services.running() == {"buildkitd", "registry"}
    assert (services.builder.pid(), services.store.pid()) == pids
    assert services.stop(["registry", "dockerd"]) == ["registry"]
    assert services.running() == {"buildkitd"}
    assert services.stop() == ["buildkitd"]
    assert services.running() == set()


def test_everything_is_deleted_by_clean(services: ImageServices, tools: ImageTools) -> None:
    """Processes, what they kept, and what buildx knew; another start has another generation and an empty store."""
    services.start(tools)
    before = services.generation()
    services.clean()
    assert (services.running(), services.directory.exists()) == (set(), False)

    services.start(tools)
    assert services.generation() != before


@pytest.mark.parametrize(
    ("held", "pulled", "needed"), [(0, "", "25"), (8, "", "9"), (8, "127.0.0.1:8790/sdxl@sha256:ab", "1")]
)
def test_space_is_asked_for_before_anything_is_built(
    services: ImageServices,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    held: int,
    pulled: str,
    needed: str,
) -> None:
    """As much as is still to come. A full disk is made up: none can be had here."""
    blob = services.directory / "registry" / "blobs" / "data"
    blob.parent.mkdir(parents=True)
    with blob.open("wb") as file:
        file.truncate(held * 10**9)  # takes no space
    recorder.program("docker", f"echo {pulled}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 10**9 // 2))  # type: ignore[attr-defined]

    with pytest.raises(SetupError, match=rf"need {needed} GB of free space.*\n.*RUNTIME=process make up"):
        images.check_space(services)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, 26 * 10**9))  # type: ignore[attr-defined]
    images.check_space(services)


@pytest.mark.parametrize(("held", "status"), [(0, 0), (8, 1)])
def test_without_space_for_a_first_image_there_is_none(
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    held: int,
    status: int,
) -> None:
    """One line says why workers are processes. Where images were built before, an update changes that for nobody.

    The full disk is made up, and so is the engine that answers.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    blob = image_services.services(this_clone()).directory / "registry" / "blobs" / "data"
    blob.parent.mkdir(parents=True)
    with blob.open("wb") as file:
        file.truncate(held * 10**9)  # takes no space
    recorder.program("docker", 'case "$1" in version) echo 27.0;; esac')
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 10**9 // 2))  # type: ignore[attr-defined]
    done = images.main(["start", "--as-it-is"])
    output = capsys.readouterr()

    assert done == status
    assert "GB of free space" in output.err
    assert output.out == ("" if status else "{}\n")


@pytest.mark.parametrize(("running", "deleted"), [("new", ["docker image rm h:1/sdxl@sha256:old"]), ("newest", [])])
def test_images_that_went_before_are_deleted_once_the_next_is_here(
    recorder: Recorder, running: str, deleted: list[str]
) -> None:
    """Not sooner: its pull needs their layers. An engine that refuses to delete one in use is no failure."""
    recorder.program(
        "docker",
        'case "$*" in "image ls"*) echo h:1/sdxl@sha256:old; echo h:1/sdxl@sha256:new; echo "h:1/sdxl@<none>";; '
        '"image rm"*) exit 1;; esac',
    )
    docker_engine.forget_before(f"h:1/sdxl:dev@sha256:{running}")

    assert [call for call in recorder.calls if " rm " in call] == deleted
