"""`image: build`: where an image goes, and its stand-in where none is built."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from stacks import build
from stacks.loading import load
from stacks.settings import ServiceSettings

LOCAL = (
    '{"registry": "127.0.0.1:8790", "generation": "g1", "builder": "ours", "started": ["registry"], '
    '"baseImage": "127.0.0.1:8790/base@sha256:a", "certificates": "/etc/ca.pem"}'
)


def settings(**config: str) -> ServiceSettings:
    given = {f"runpod-sdxl:{key}": value for key, value in {"image": "build", **config}.items()}
    found = load({**given, "runpod:apiBaseUrl": "http://127.0.0.1:8777"}, project="runpod-sdxl", stack="dev")
    assert isinstance(found, ServiceSettings)
    return found


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `make up` writes: not there yet."""
    note = tmp_path / "images.json"
    monkeypatch.setattr(build, "LOCAL_IMAGES", note)
    return note


def test_the_machines_own_registry_takes_it_for_the_local_runpod(note: Path) -> None:
    """With the builder, base and certificates of this machine; a registry that was emptied is a change."""
    note.write_text(LOCAL)
    args = build.image_args(settings(), build.local_images())

    assert args.repository == "127.0.0.1:8790/sdxl"
    assert (args.builder, args.base_image, args.extra_ca) == ("ours", "127.0.0.1:8790/base@sha256:a", "/etc/ca.pem")
    assert args.build_args == {"REGISTRY_GENERATION": "g1"}
    note.write_text(LOCAL.replace("g1", "g2"))
    assert build.image_args(settings(), build.local_images()).build_args != args.build_args


@pytest.mark.parametrize("text", ["", '{"started": ["registry"]}'])
def test_without_a_registry_a_name_stands_for_the_worker_of_this_clone(note: Path, text: str) -> None:
    """One that the local RunPod of `make up` runs as a process."""
    if text:
        note.write_text(text)
    worker = build.built_worker(settings())

    assert (worker.image, worker.registry) == (build.PROCESS_IMAGE, None)


def test_a_repository_of_ones_own_is_taken_wherever_make_up_ran(note: Path) -> None:
    """With the stack's login, and nothing of this machine's."""
    note.write_text(LOCAL)
    own = settings(
        imageRepository="registry.example.com/team/sdxl", registryUsername="robot", registryPassword="pass-4711"
    )
    args = build.image_args(own, build.local_images())

    assert (args.repository, args.username) == ("registry.example.com/team/sdxl", "robot")
    assert (args.builder, args.base_image, args.extra_ca) == (None, None, None)


def test_a_damaged_note_is_reported_with_what_mends_it(note: Path) -> None:
    """No traceback: the file is named."""
    note.write_text("{")
    with pytest.raises(pulumi.RunError, match=r"images\.json is damaged: `make up` writes it anew"):
        build.local_images()
