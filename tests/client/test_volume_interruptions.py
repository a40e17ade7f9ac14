"""Sets of files whose sending is cut off, overtaken or disturbed: resumed, and taken for whole only when they are."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pulumi_runpod.client.file_set import Progress, WantedFile, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import VolumeError
from tests.client.file_sets import (
    CONTENTS,
    FOLDER,
    PART,
    Opener,
    diffusers_set,
    files_in,
    worker_weights,
    writes,
)


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


@pytest.mark.parametrize(
    ("size", "text"),
    [(4 * PART + 1, "was changed while it was being sent"), (5, "was cut short while it was being sent")],
)
def test_a_file_that_changes_while_it_is_sent_is_refused(
    volume: VolumeFiles, wanted: list[WantedFile], on_disk: Path, size: int, text: str
) -> None:
    """Half of one file and half of another make no set."""
    [big] = [f for f in wanted if f.path == "unet/big.bin"]

    def change(_: Progress) -> None:
        with big.open_local() as path, path.open("r+b") as file:
            file.write(b"other")
            file.truncate(size)

    with pytest.raises(VolumeError, match=text):
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
