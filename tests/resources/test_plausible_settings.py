"""Settings that are obviously in order need no model; everything else is left to it."""

from __future__ import annotations

import pytest

from pulumi_runpod.resources.plausible_settings import are_plausible

GOOD = {
    "RUNPOD_API_KEY": "rpa_0123456789",
    "RUNPOD_API_BASE_URL": "http://127.0.0.1:8001",
    "RUNPOD_S3_ACCESS_KEY_ID": "user_1",
    "RUNPOD_S3_SECRET_ACCESS_KEY": "rps_1",
}


def test_what_is_obvious_passes() -> None:
    assert are_plausible({}, {})
    assert are_plausible({"runpod:timeout": "30", "runpod:apiBaseUrl": "https://api.runpod.io"}, GOOD)


@pytest.mark.parametrize(
    "config",
    [
        {"runpod:timeout": "soon"},
        {"runpod:timeout": "-1"},
        {"runpod:apiBaseUrl": "api.runpod.io"},
        {"runpod:apiBaseUrl": "https://api.runpod.io/v2"},
        {"runpod:apiBaseUrl": "http://api.runpod.io"},
        {"runpod:apiKey": "two words"},
        {"runpod:s3AccessKeyId": "rpa_x"},
        {"runpod:s3EndpointUrl": "x"},
        {"runpod:acceptVanished": "perhaps"},
    ],
)
def test_what_is_not_obvious_is_left_to_the_model(config: dict[str, str]) -> None:
    assert not are_plausible(config, GOOD)
