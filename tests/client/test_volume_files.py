"""Sets of files on a volume: what is sent, in which order, and what is left alone. Against the local RunPod."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pulumi_runpod.client.file_set import Progress, WantedFile, inspect, remove, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod
from tests.client.file_sets import (
    CONTENTS,
    FOLDER,
    PART,
    Opener,
    writes,
)


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


def test_large_files_get_larger_parts(opened: Opener) -> None:
    """Ten thousand parts are the limit, and 500 MB the largest."""
    volume = opened(part_bytes=64 << 20)

    assert volume.part_bytes_for(7_000_000_000) == 64 << 20
    assert volume.part_bytes_for(4_000_000_000_000) == 400_000_000
    with pytest.raises(ValueError, match="a part has 1 to 500000000 bytes"):
        opened(part_bytes=500_000_001)
