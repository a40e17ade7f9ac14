"""Sets of files on a volume: sent once, resumed, never taken for whole before they are. Against the local RunPod."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.file_set import Progress, WantedFile, inspect, remove, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import SettingsError, VolumeError
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume

DATA_CENTER = "EU-RO-1"
FOLDER = "models/sdxl"
PART = 1000
Opener = Callable[..., VolumeFiles]


@pytest.fixture
def volume_id(client: RunPodClient) -> str:
    wanted = CreateNetworkVolume(name="weights", size=10, dataCenter=DATA_CENTER)
    return client.create(NETWORK_VOLUMES, wanted).id  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def on_disk(local_runpod: LocalRunPod, volume_id: str) -> Path:
    """The set as a worker sees it."""
    return local_runpod.platform.volume_dir(volume_id) / FOLDER


@pytest.fixture
def opened(settings: Settings, volume_id: str) -> Iterator[Opener]:
    with contextlib.ExitStack() as stack:

        def make(**options: int) -> VolumeFiles:
            options = {"part_bytes": PART, "attempts": 1, **options}
            made = VolumeFiles(settings, data_center=DATA_CENTER, volume_id=volume_id, **options)
            return stack.enter_context(made)

        yield make


@pytest.fixture
def volume(opened: Opener) -> VolumeFiles:
    return opened()


def files_in(folder: Path, contents: dict[str, bytes]) -> list[WantedFile]:
    """Files on this machine, as wanted."""
    found = []
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found.append(
            WantedFile(name, hashlib.sha256(content).hexdigest(), lambda p=path: nullcontext(p), len(content))  # type: ignore[misc]
        )
    return found


CONTENTS = {
    "model_index.json": b"{}",
    "unet/big.bin": os.urandom(4 * PART + 1),
    "unet/config.json": b"{ }",
    "vae/small.bin": b"v" * PART,
}


@pytest.fixture
def wanted(tmp_path: Path) -> list[WantedFile]:
    return files_in(tmp_path / "source", CONTENTS)


def writes(runpod: LocalRunPod) -> list[str]:
    """What was written since the last look, relative to the folder: `PUT unet/big.bin`."""
    found = [
        f"{c.method} {c.path.partition(f'{FOLDER}/')[2]}"
        for c in runpod.calls(path="/s3/*")
        if c.method in ("PUT", "POST", "DELETE")
    ]
    runpod.forget_calls()
    return found


def test_a_set_lands_whole_with_its_manifest(volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path) -> None:
    """Every file is where a worker reads it, and the manifest tells each one's size and SHA-256."""
    sent = synchronise(volume, FOLDER, wanted)

    assert {name: (on_disk / name).read_bytes() for name in CONTENTS} == CONTENTS
    manifest = json.loads((on_disk / "READY.json").read_text())
    assert [(f["path"], f["size"], f["sha256"]) for f in manifest["files"]] == sorted(
        (name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()
    )
    assert set(sent.uploaded) == set(CONTENTS)
    assert inspect(volume, FOLDER).whole


def test_the_index_and_the_manifest_come_last(
    local_runpod: LocalRunPod, volume: VolumeFiles, wanted: list[WantedFile]
) -> None:
    """What makes a set look whole is written when it is; large files go in parts."""
    synchronise(volume, FOLDER, wanted)

    written = writes(local_runpod)
    assert written[-2:] == ["PUT model_index.json", "PUT READY.json"]
    assert written.count("PUT unet/big.bin") == 5
    assert written.count("POST unet/big.bin") == 2  # begin and complete


def test_nothing_is_written_when_all_is_there(
    local_runpod: LocalRunPod, volume: VolumeFiles, wanted: list[WantedFile]
) -> None:
    """A second run reads a listing and a manifest, and that is all."""
    synchronise(volume, FOLDER, wanted)
    local_runpod.forget_calls()

    sent = synchronise(volume, FOLDER, wanted)

    assert (sent.uploaded, sent.removed) == ((), ())
    assert [c.method for c in local_runpod.calls()] == ["GET", "GET"]


def test_only_what_is_missing_or_different_is_sent(
    local_runpod: LocalRunPod, volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """A file that vanished and one that somebody changed are sent again, the others are not."""
    synchronise(volume, FOLDER, wanted)
    (on_disk / "unet/config.json").unlink()
    (on_disk / "vae/small.bin").write_bytes(b"w" * PART)
    seen = inspect(volume, FOLDER)
    writes(local_runpod)

    sent = synchronise(volume, FOLDER, wanted)

    assert (seen.missing, seen.different, seen.whole) == (("unet/config.json",), ("vae/small.bin",), False)
    assert sorted(sent.uploaded) == ["model_index.json", "unet/config.json", "vae/small.bin"]
    assert writes(local_runpod) == [
        "DELETE model_index.json",
        "DELETE READY.json",
        "PUT unet/config.json",
        "PUT vae/small.bin",
        "PUT model_index.json",
        "PUT READY.json",
    ]
    assert inspect(volume, FOLDER).whole


def test_a_lost_manifest_is_written_again_and_nothing_else(
    local_runpod: LocalRunPod, volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """Without a manifest the ETags tell what is there, those of parts included."""
    synchronise(volume, FOLDER, wanted)
    (on_disk / "READY.json").unlink()
    writes(local_runpod)

    sent = synchronise(volume, FOLDER, wanted)

    assert sent.uploaded == ()
    assert writes(local_runpod) == ["PUT READY.json"]


def test_another_form_of_etag_is_no_reason_to_send_again(
    local_runpod: LocalRunPod, volume: VolumeFiles, wanted: list[WantedFile]
) -> None:
    """A service that forgets how a file was sent, and tells its plain MD5, is believed; the manifest follows."""
    synchronise(volume, FOLDER, wanted)
    local_runpod.call(lambda p: p.store.connection.execute("DELETE FROM s3_files"))
    assert inspect(volume, FOLDER).different == ("unet/big.bin",)
    writes(local_runpod)

    synchronise(volume, FOLDER, wanted)

    assert writes(local_runpod) == ["PUT READY.json"]
    assert inspect(volume, FOLDER).whole


def test_an_interrupted_upload_goes_on_where_it_stopped(
    local_runpod: LocalRunPod, opened: Opener, wanted: list[WantedFile], on_disk: Path
) -> None:
    """Parts that arrived are not sent again, and nothing is visible in the meantime."""
    local_runpod.fault("http.status", method="PUT", path="*/unet/big.bin", after=3, times=None, status=503)
    with pytest.raises(VolumeError, match="503"):
        synchronise(opened(), FOLDER, wanted)
    assert not (on_disk / "unet").exists()
    assert not (on_disk / "READY.json").exists()
    local_runpod.clear_faults()
    writes(local_runpod)

    synchronise(opened(), FOLDER, wanted)

    written = writes(local_runpod)
    assert (written.count("PUT unet/big.bin"), written.count("POST unet/big.bin")) == (2, 1)
    assert (on_disk / "unet/big.bin").read_bytes() == CONTENTS["unet/big.bin"]


def test_parts_of_another_content_are_not_reused(
    local_runpod: LocalRunPod, opened: Opener, wanted: list[WantedFile], on_disk: Path, tmp_path: Path
) -> None:
    """What an interrupted upload left of an older file is sent anew where it differs."""
    local_runpod.fault("http.status", method="PUT", path="*/unet/big.bin", after=3, times=None, status=503)
    with pytest.raises(VolumeError):
        synchronise(opened(), FOLDER, wanted)
    local_runpod.clear_faults()
    changed = {**CONTENTS, "unet/big.bin": os.urandom(4 * PART + 1)}

    synchronise(opened(), FOLDER, files_in(tmp_path / "source", changed))

    assert (on_disk / "unet/big.bin").read_bytes() == changed["unet/big.bin"]
    assert not (on_disk.parents[1] / ".s3compat_uploads").exists()


def test_a_lost_answer_to_complete_is_no_failure(
    local_runpod: LocalRunPod, opened: Opener, wanted: list[WantedFile], on_disk: Path
) -> None:
    """The upload was completed and the answer cut: the file is found there."""
    local_runpod.fault("http.cut_after", method="POST", path="*/unet/big.bin", after=1)

    synchronise(opened(attempts=2), FOLDER, wanted)

    assert (on_disk / "unet/big.bin").read_bytes() == CONTENTS["unet/big.bin"]


def test_an_update_is_never_seen_by_half(
    local_runpod: LocalRunPod, volume: VolumeFiles, tmp_path: Path, on_disk: Path
) -> None:
    """While one set becomes another, the worker refuses it at every step; before and after it takes it."""
    weights = worker_weights()
    old, new = (diffusers_set(fill) for fill in (b"1", b"2"))
    synchronise(volume, FOLDER, files_in(tmp_path / "old", old))
    root = on_disk.parents[1]
    assert weights.find_weights(name="sdxl", volume=root).total_bytes > 0
    refusals: list[str] = []

    def look(_: Progress) -> None:
        try:
            weights.find_weights(name="sdxl", volume=root)
        except weights.WeightsError as refusal:
            refusals.append(str(refusal))

    watched: list[Progress] = []
    synchronise(
        volume,
        FOLDER,
        files_in(tmp_path / "new", new),
        on_progress=lambda p: (watched.append(p), p.path != "model_index.json" and look(p)),  # type: ignore[func-returns-value]
    )

    assert len(refusals) == len(watched) - 1 > 0
    assert all("upload" in text for text in refusals)
    assert weights.find_weights(name="sdxl", volume=root).total_bytes > 0
    assert {name: (on_disk / name).read_bytes() for name in new} == new


def test_the_worker_refuses_a_set_that_does_not_match_its_manifest(
    volume: VolumeFiles, tmp_path: Path, on_disk: Path
) -> None:
    """Both sides read the manifest in the same way: a file cut short afterwards is named."""
    weights = worker_weights()
    synchronise(volume, FOLDER, files_in(tmp_path / "old", diffusers_set(b"1")))
    (on_disk / "unet/config.json").write_bytes(b"")

    with pytest.raises(weights.WeightsError, match=r"unet/config.json has 0 bytes where READY.json says 2"):
        weights.find_weights(name="sdxl", volume=on_disk.parents[1])


def test_files_that_the_set_no_longer_has_are_removed(
    volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """What an older manifest named goes; what no manifest named stays."""
    synchronise(volume, FOLDER, wanted)
    (on_disk / "lora.bin").write_bytes(b"somebody's own")

    sent = synchronise(volume, FOLDER, [f for f in wanted if f.path != "vae/small.bin"])

    assert sent.removed == ("vae/small.bin",)
    assert not (on_disk / "vae/small.bin").exists()
    assert (on_disk / "lora.bin").exists()
    assert inspect(volume, FOLDER).whole


def test_removing_takes_what_the_manifest_names(volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path) -> None:
    """Files of others stay, and with them their folder; empty folders go."""
    synchronise(volume, FOLDER, wanted)
    (on_disk / "lora.bin").write_bytes(b"somebody's own")

    remove(volume, FOLDER)

    assert [path.name for path in on_disk.rglob("*")] == ["lora.bin"]
    assert remove(volume, FOLDER) == ()


def test_progress_ends_at_the_total(volume: VolumeFiles, wanted: list[WantedFile]) -> None:
    """Bytes done grow to the size of the set, part by part."""
    seen: list[Progress] = []

    synchronise(volume, FOLDER, wanted, on_progress=seen.append)

    total = sum(len(c) for c in CONTENTS.values())
    assert [p.done for p in seen] == sorted({p.done for p in seen})
    assert (seen[-1].done, seen[-1].total, len(seen)) == (total, total, 8)


@pytest.mark.parametrize(
    ("size", "told"),
    [(4 * PART + 1, "was changed while it was being sent"), (5, "was cut short while it was being sent")],
)
def test_a_file_that_changes_while_it_is_sent_is_refused(
    volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path, size: int, told: str
) -> None:
    """Half of one file and half of another make no set."""
    [big] = [f for f in wanted if f.path == "unet/big.bin"]

    def change(_: Progress) -> None:
        with big.open_local() as path, path.open("r+b") as file:
            file.write(b"other")
            file.truncate(size)

    with pytest.raises(VolumeError, match=told):
        synchronise(volume, FOLDER, [big], on_progress=change)
    assert not (on_disk / "READY.json").exists()


def test_one_writer_at_a_time(opened: Opener, tmp_path: Path) -> None:
    """Two sets for one volume in one process are sent one after the other."""
    order: list[str] = []

    def send(name: str) -> None:
        files = files_in(tmp_path / name, {f"{i}.bin": name.encode() * 10 for i in range(5)})
        synchronise(opened(), f"models/{name}", files, on_progress=lambda _: order.append(name))

    threads = [threading.Thread(target=send, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert order in (["a"] * 5 + ["b"] * 5, ["b"] * 5 + ["a"] * 5)


def test_large_files_get_larger_parts(opened: Opener) -> None:
    """Ten thousand parts are the limit, and 500 MB the largest."""
    volume = opened(part_bytes=64 << 20)

    assert volume.part_bytes_for(7_000_000_000) == 64 << 20
    assert volume.part_bytes_for(4_000_000_000_000) == 400_000_000
    with pytest.raises(ValueError, match="a part has 1 to 500000000 bytes"):
        opened(part_bytes=500_000_001)


def test_a_wrong_key_is_told_with_the_way_to_mend_it(settings: Settings, volume_id: str) -> None:
    """The error names the setting, and holds neither key nor secret."""
    wrong = Settings.load(
        {
            "runpod:apiBaseUrl": settings.api_base_url,
            "runpod:s3AccessKeyId": settings.s3_access_key_id or "",
            "runpod:s3SecretAccessKey": "rps_wrong-secret",
        },
        {},
    )

    with (
        VolumeFiles(wrong, data_center=DATA_CENTER, volume_id=volume_id) as volume,
        pytest.raises(VolumeError) as raised,
    ):
        volume.list("")

    assert raised.value.code == "SignatureDoesNotMatch"
    assert "runpod:s3SecretAccessKey" in str(raised.value)
    assert "rps_" not in str(raised.value)


def test_a_missing_key_names_every_way_to_set_it() -> None:
    """Both halves, in config and environment, and where to make one."""
    with pytest.raises(SettingsError) as raised:
        VolumeFiles(Settings.load({}, {}), data_center=DATA_CENTER, volume_id="v")

    for words in ("runpod:s3AccessKeyId", "--secret runpod:s3SecretAccessKey", "RUNPOD_S3_ACCESS_KEY_ID", "console"):
        assert words in str(raised.value)


def test_a_data_center_without_s3_is_refused(settings: Settings) -> None:
    """The message lists those that have it."""
    with pytest.raises(ValueError, match="US-TX-3 has no S3 API; these have: EU-CZ-1"):
        VolumeFiles(settings, data_center="US-TX-3", volume_id="v")


def test_nothing_listening_is_told(volume_id: str) -> None:
    """No traceback of a library: what was tried, and what to look at."""
    nowhere = Settings.load(
        {"runpod:apiBaseUrl": "http://127.0.0.1:1"},
        {"RUNPOD_S3_ACCESS_KEY_ID": "user_x", "RUNPOD_S3_SECRET_ACCESS_KEY": "rps_x"},
    )

    with (
        VolumeFiles(nowhere, data_center=DATA_CENTER, volume_id=volume_id, attempts=1) as volume,
        pytest.raises(VolumeError, match=f"LIST models/ on volume {volume_id} .*runpod:s3EndpointUrl"),
    ):
        volume.list("models/")


def test_a_full_volume_is_told(opened: Opener, wanted: list[WantedFile], on_disk: Path) -> None:
    """The advice is to grow it."""
    with (on_disk.parents[1] / "big").open("wb") as file:
        file.truncate(10_000_000_000)  # sparse: it takes no disk here

    with pytest.raises(VolumeError, match="Grow the volume"):
        synchronise(opened(), FOLDER, wanted)


def worker_weights():  # type: ignore[no-untyped-def]
    """The worker's own reading of a set; it imports nothing heavy."""
    root = str(Path(__file__).parents[2] / "worker")
    sys.path.insert(0, root)
    try:
        from sdxl_worker import weights
    finally:
        sys.path.remove(root)
    return weights


def diffusers_set(fill: bytes) -> dict[str, bytes]:
    """A set as diffusers saves it, of the same sizes whatever its bytes are: only the manifest could tell two apart."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [4000], "data_offsets": [0, 4000]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + fill * 4000
    components = ("text_encoder", "unet", "vae")
    index = {"_class_name": "X", **{name: ["diffusers", "Model"] for name in components}}
    return {
        "model_index.json": json.dumps(index).encode(),
        **{f"{name}/config.json": b"{}" for name in components},
        **{f"{name}/model.safetensors": weights for name in components},
    }
