"""Files of a volume behind something that answers success for what was not done: a set is whole or not declared so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_runpod.client.file_set import WantedFile, inspect, remove, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import VolumeError
from pulumi_runpod.settings import Settings
from tests.client.file_sets import CONTENTS, DATA_CENTER, FOLDER, PART
from tests.client.lying_proxy import LyingProxy, lying_proxy


@pytest.fixture
def proxy(local_runpod: LocalRunPod) -> Iterator[LyingProxy]:
    with lying_proxy(local_runpod.api) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: LyingProxy, settings: Settings, volume_id: str) -> Iterator[VolumeFiles]:
    """The volume, seen through the proxy."""
    template = f"{proxy.url}/s3/{{data_center}}"
    changed = settings.model_copy(update={"s3_endpoint_url": template})
    with VolumeFiles(changed, data_center=DATA_CENTER, volume_id=volume_id, part_bytes=PART, attempts=2) as volume:
        yield volume


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("PUT", "unet/config.json"),  # a small file
        ("PUT", "partNumber=2"),
        ("POST", "big.bin?uploads"),
        ("POST", "big.bin?uploadId"),  # COMPLETE
        ("HEAD", "unet/config.json"),
    ],
)
def test_no_set_is_declared_whole_while_a_file_is_missing(
    method: str,
    part: str,
    *,
    proxy: LyingProxy,
    behind: VolumeFiles,
    wanted: list[WantedFile],
    on_disk: Path,
) -> None:
    """The page is no answer of S3; the next run sends what is missing."""
    proxy.lie(method, part)
    with pytest.raises(VolumeError):
        synchronise(behind, FOLDER, wanted)
    assert proxy.requests
    assert not (on_disk / "READY.json").exists()

    proxy.lies.clear()
    synchronise(behind, FOLDER, wanted)
    assert inspect(behind, FOLDER).whole
    assert {path: (on_disk / path).read_bytes() for path in CONTENTS} == CONTENTS


def test_the_manifest_itself_is_read_back(
    proxy: LyingProxy, behind: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """It is a file like the others."""
    proxy.lie("PUT", "READY.json")

    with pytest.raises(VolumeError, match=r"READY\.json"):
        synchronise(behind, FOLDER, wanted)
    assert not (on_disk / "READY.json").exists()


def test_a_page_after_complete_is_no_failure_when_the_file_is_there(
    proxy: LyingProxy, behind: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """The object is looked for."""
    proxy.lie("POST", "big.bin?uploadId", works=True)

    synchronise(behind, FOLDER, wanted)
    assert (on_disk / "unet/big.bin").read_bytes() == CONTENTS["unet/big.bin"]


def test_a_list_that_is_a_page_is_not_an_empty_volume(
    proxy: LyingProxy, behind: VolumeFiles, wanted: list[WantedFile]
) -> None:
    """Otherwise a refresh would take the weights for gone."""
    synchronise(behind, FOLDER, wanted)
    proxy.lie("GET", "list-type=2")

    with pytest.raises(VolumeError, match="not one of S3"):
        inspect(behind, FOLDER)


def test_files_that_were_not_deleted_are_not_taken_for_deleted(
    proxy: LyingProxy, behind: VolumeFiles, wanted: list[WantedFile], on_disk: Path
) -> None:
    """Neither when the set goes nor when it changes: a reader must not see half of a new one."""
    synchronise(behind, FOLDER, wanted)
    proxy.lie("DELETE", FOLDER)

    with pytest.raises(VolumeError, match="DELETE"):
        remove(behind, FOLDER)
    assert (on_disk / "READY.json").exists()


@pytest.mark.parametrize(("config", "seconds"), [({}, 300), ({"runpod:timeout": "7"}, 7)])
def test_the_timeout_setting_holds_for_files(config: dict[str, str], seconds: float, settings: Settings) -> None:
    """Without it, an answer may take longer than one of the control plane."""
    keys = {
        "runpod:s3AccessKeyId": settings.s3_access_key_id or "",
        "runpod:s3SecretAccessKey": settings.s3_key[1],
    }
    with VolumeFiles(Settings.load({**keys, **config}, {}), data_center=DATA_CENTER, volume_id="v") as volume:
        assert volume._s3().meta.config.read_timeout == seconds
