"""Weights through the real engine: uploaded once, drift seen and mended, an interrupted upload resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pulumi_runpod import LocalDirectory, ModelWeights, NetworkVolume
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.conftest import Engine, RealStack

# The fixture is that of the tests which kill creates of other kinds.
from tests.e2e.killable import Killable

pytestmark = pytest.mark.engine

PART = 1000
BIG = bytes(range(256)) * 20  # six parts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "unet/big.bin").write_bytes(BIG)
    (folder / "unet/small.bin").write_bytes(b"small")
    return folder


@pytest.fixture
def stack(engine: Engine, local_runpod: LocalRunPod, tmp_path: Path, folder: Path) -> RealStack:
    environment = {
        **local_runpod.environment,
        "RUNPOD_S3_PART_BYTES": str(PART),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return engine.stack(program(folder), environment)


def program(folder: Path, **options: Any) -> Callable[[], None]:
    def declare() -> None:
        volume = NetworkVolume("weights", size=10, data_center="EU-RO-1")
        weights = ModelWeights(
            "sdxl", volume_id=volume.id, data_center="EU-RO-1", source=LocalDirectory(str(folder)), **options
        )
        pulumi.export("volume", volume.id)
        pulumi.export("mount_path", weights.mount_path)
        pulumi.export("digest", weights.digest)

    return declare


def on_volume(runpod: LocalRunPod, volume_id: str) -> dict[str, bytes]:
    root = runpod.platform.volume_dir(volume_id)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def written(runpod: LocalRunPod) -> list[str]:
    """`METHOD key` of every write to a volume since the last look."""
    reads = ("GET", "HEAD")
    calls = [f"{c.method} {c.path.split('/', 4)[-1]}" for c in runpod.calls(path="/s3/*") if c.method not in reads]
    runpod.forget_calls()
    return calls


def test_weights_land_once(stack: RealStack, local_runpod: LocalRunPod, folder: Path) -> None:
    """`up` uploads; the next `up`, and previews, send nothing and see no change; no key is in the state."""
    first = stack.up()
    files = on_volume(local_runpod, first.outputs["volume"])
    sent = written(local_runpod)
    again = stack.up()
    preview = stack.preview(refresh=True, expect_no_changes=True)

    assert first.errors == []
    assert files.pop("models/sdxl/READY.json")
    assert files == {f"models/sdxl/{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert sent[-1] == "PUT models/sdxl/READY.json"
    assert first.outputs["mount_path"] == "/runpod-volume/models/sdxl"
    assert (again.steps, preview.failed, written(local_runpod)) == ([], False, [])
    assert local_runpod.s3_key.secret_access_key not in stack.state_text() + first.text
    [weights] = [r for r in stack.resources().values() if r["type"].endswith("ModelWeights")]
    assert weights["type"] == "pulumi-python:dynamic/runpod:ModelWeights"


def test_a_changed_file_alone_is_sent(stack: RealStack, local_runpod: LocalRunPod, folder: Path) -> None:
    """A preview shows the update by its digest; `up` sends what differs, and the index and manifest last."""
    first = stack.up()
    (folder / "unet/small.bin").write_bytes(b"other")
    written(local_runpod)
    preview = stack.preview()
    changed = stack.up()

    assert preview.names("update") == changed.names("update") == ["sdxl"]
    assert first.outputs["digest"] in preview.text
    assert [c for c in written(local_runpod) if c.startswith("PUT")] == [
        "PUT models/sdxl/unet/small.bin",
        "PUT models/sdxl/model_index.json",
        "PUT models/sdxl/READY.json",
    ]
    assert on_volume(local_runpod, first.outputs["volume"])["models/sdxl/unet/small.bin"] == b"other"


def test_drift_is_seen_named_and_mended(stack: RealStack, local_runpod: LocalRunPod) -> None:
    """A file that vanished makes `preview --refresh --expect-no-changes` fail, and `up` brings it back."""
    volume = stack.up().outputs["volume"]
    lost = local_runpod.platform.volume_dir(volume) / "models/sdxl/unet/big.bin"
    lost.unlink()

    seen = stack.preview(refresh=True, expect_no_changes=True)
    mended = stack.up(refresh=True)
    after = stack.preview(refresh=True, expect_no_changes=True)

    assert seen.failed
    assert "missing: unet/big.bin" in seen.text
    assert mended.names("update") == ["sdxl"]
    assert (lost.read_bytes(), after.failed) == (BIG, False)


def test_a_vanished_folder_is_made_anew(stack: RealStack, local_runpod: LocalRunPod) -> None:
    """What is gone altogether is created again."""
    volume = stack.up().outputs["volume"]
    for path in sorted(local_runpod.platform.volume_dir(volume).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert stack.up(refresh=True).names("create") == ["sdxl"]
    assert "models/sdxl/READY.json" in on_volume(local_runpod, volume)


def test_removing_the_declaration_leaves_the_data(stack: RealStack, local_runpod: LocalRunPod) -> None:
    """By default the files stay on the volume, and no call is made for them."""
    volume = stack.up().outputs["volume"]
    before = on_volume(local_runpod, volume)
    local_runpod.forget_calls()

    removed = stack.up(lambda: pulumi.export("v", NetworkVolume("weights", size=10, data_center="EU-RO-1").id))

    assert removed.names("delete") == ["sdxl"]
    assert on_volume(local_runpod, volume) == before
    assert local_runpod.calls(path="/s3/*") == []


def test_data_that_is_not_retained_goes(stack: RealStack, local_runpod: LocalRunPod, folder: Path) -> None:
    """`retain_on_delete=False`: the files go with the resource, and others' stay."""
    volume = stack.up(program(folder, retain_on_delete=False)).outputs["volume"]
    (local_runpod.platform.volume_dir(volume) / "models/sdxl/lora.bin").write_bytes(b"somebody's own")

    stack.up(lambda: pulumi.export("v", NetworkVolume("weights", size=10, data_center="EU-RO-1").id))

    assert on_volume(local_runpod, volume) == {"models/sdxl/lora.bin": b"somebody's own"}


def test_mistakes_are_one_line_each(stack: RealStack, folder: Path) -> None:
    """A folder that is not there, and an S3 key that is missing, are reported without a traceback."""
    nowhere = stack.preview(program(folder / "nowhere"))

    assert nowhere.failed
    assert [e for e in nowhere.errors if "is no directory on this machine" in e]
    assert "Traceback" not in nowhere.text


def test_a_missing_s3_key_is_one_line(engine: Engine, local_runpod: LocalRunPod, folder: Path) -> None:
    """The preview names the settings and stops."""
    environment = {**local_runpod.environment, "RUNPOD_S3_SECRET_ACCESS_KEY": ""}
    stack = engine.stack(program(folder), environment)

    failed = stack.preview()

    assert failed.failed
    assert [e for e in failed.errors if "pulumi config set --secret runpod:s3SecretAccessKey" in e]
    assert "Traceback" not in failed.text


def test_an_upload_that_is_killed_goes_on_and_is_never_seen_by_half(
    killable: Killable,
    local_runpod: LocalRunPod,
    folder: Path,
    tmp_path: Path,
) -> None:
    """kill -9 in the middle of a file: nothing of it is visible, `recover` and `up` send only the parts that lack."""
    killable.environ |= {"RUNPOD_S3_PART_BYTES": str(PART), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    killable.program(
        "import pulumi\nfrom pulumi_runpod import LocalDirectory, ModelWeights, NetworkVolume\n"
        "volume = NetworkVolume('weights', size=10, data_center='EU-RO-1')\n"
        f"ModelWeights('sdxl', volume_id=volume.id, data_center='EU-RO-1', source=LocalDirectory({str(folder)!r}))\n"
        "pulumi.export('volume', volume.id)\n"
    )
    local_runpod.fault("http.delay", method="PUT", path="*/unet/big.bin", after=4, delay=600)

    def five_parts_arrived() -> bool:
        return len(local_runpod.calls(method="PUT", path="*/unet/big.bin")) == 5

    killable.kill_during(five_parts_arrived, and_provider=True)
    [volume] = [row.id for row in local_runpod.call(lambda p: p.store.list("network volume"))]
    visible = {name for name in on_volume(local_runpod, volume) if not name.startswith(".s3compat_uploads/")}
    local_runpod.forget_calls()
    assert killable.run("pulumi", "cancel", "--yes").returncode == 0
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev")
    done = killable.up()

    assert visible == set()
    assert (recovered.returncode, killable.pending()) == (0, [])
    assert done.returncode == 0, done.stdout + done.stderr
    assert written(local_runpod).count("PUT models/sdxl/unet/big.bin") == 1
    files = on_volume(local_runpod, volume)
    assert files["models/sdxl/unet/big.bin"] == BIG
    assert len(json.loads(files["models/sdxl/READY.json"])["files"]) == 3
    assert not [name for name in files if name.startswith(".s3compat_uploads/")]
