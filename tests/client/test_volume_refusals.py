"""What blocks sending files to a volume is reported with the way to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_runpod.client.file_set import WantedFile, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.errors import SettingsError, VolumeError
from pulumi_runpod.settings import Settings
from tests.client.file_sets import (
    DATA_CENTER,
    FOLDER,
    Opener,
)


def test_a_wrong_key_is_reported_with_the_way_to_mend_it(settings: Settings, volume_id: str) -> None:
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


def test_nothing_listening_is_reported(volume_id: str) -> None:
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


def test_a_full_volume_is_reported(opened: Opener, wanted: list[WantedFile], on_disk: Path) -> None:
    """The advice is to grow it."""
    with (on_disk.parents[1] / "big").open("wb") as file:
        file.truncate(10_000_000_000)  # sparse: it takes no disk here

    with pytest.raises(VolumeError, match="Grow the volume"):
        synchronise(opened(), FOLDER, wanted)
