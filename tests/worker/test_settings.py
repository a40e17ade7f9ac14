"""The worker's environment variables: read once, refused all together."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdxl_worker.settings import SettingsError, read_settings, variables

BUCKET = {
    "BUCKET_ENDPOINT_URL": "http://127.0.0.1:1",
    "BUCKET_NAME": "images",
    "BUCKET_ACCESS_KEY_ID": "key-id",
    "BUCKET_SECRET_ACCESS_KEY": "very-secret",
}


def test_nothing_set_is_a_working_worker_on_runpod() -> None:
    """The volume is where RunPod mounts it, and a GPU is asked for."""
    settings = read_settings({})

    assert settings.volume_root == Path("/runpod-volume")
    assert not settings.allow_cpu
    assert not settings.has_bucket


def test_every_wrong_variable_is_named_at_once() -> None:
    """One start tells all mistakes."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"MAX_SIDE": "many", "ALLOW_CPU": "perhaps", "DTYPE": "int8"})

    assert all(name in str(caught.value) for name in ("MAX_SIDE", "ALLOW_CPU", "DTYPE"))


def test_an_empty_variable_is_an_unset_one() -> None:
    """Templates often pass variables through that nobody filled in."""
    assert read_settings({"MODEL_PATH": "", "MAX_SIDE": ""}) == read_settings({})


@pytest.mark.parametrize("name", ["../outside", "/etc", "a/b/c", "", " ", "a/../b", ".hidden"])
def test_a_model_name_can_not_leave_the_volume(name: str) -> None:
    """Only a folder name, or owner/name."""
    if name == "":
        assert read_settings({"MODEL_NAME": name}) == read_settings({})
        return
    with pytest.raises(SettingsError, match="MODEL_NAME"):
        read_settings({"MODEL_NAME": name})


@pytest.mark.parametrize("missing", sorted(BUCKET))
def test_a_bucket_needs_all_its_four_parts(missing: str) -> None:
    """A bucket that is half described is refused, with the part that is missing."""
    with pytest.raises(SettingsError, match=f"missing: {missing}"):
        read_settings({name: value for name, value in BUCKET.items() if name != missing})


def test_limits_that_contradict_each_other_are_refused() -> None:
    """No job could ever be accepted."""
    with pytest.raises(SettingsError, match="MIN_SIDE"):
        read_settings({"MIN_SIDE": "1024", "MAX_SIDE": "512"})
    with pytest.raises(SettingsError, match="MAX_PIXELS"):
        read_settings({"MIN_SIDE": "512", "MAX_PIXELS": "1000"})


def test_no_secret_is_ever_shown() -> None:
    """Neither the settings' text nor an error repeats a key."""
    assert "very-secret" not in repr(read_settings(BUCKET))
    with pytest.raises(SettingsError) as caught:
        read_settings({**BUCKET, "BUCKET_URL_SECONDS": "0"})

    assert "very-secret" not in str(caught.value)


def test_every_variable_says_what_it_is_for() -> None:
    """The list that a person reads has no gaps."""
    assert all(meaning for meaning in variables().values())
