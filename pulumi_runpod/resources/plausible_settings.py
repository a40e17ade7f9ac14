"""Whether settings are obviously in order, without loading their model: an `up` that changes nothing loads none.

Whatever is not obvious is judged by `Settings` itself: a broken setting must not pass because nothing is sent today.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_KEY = re.compile(r"[!-~]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_FLAG = re.compile(r"true|false|0|1")
_URL = re.compile(r"https://[a-z0-9.-]+(:[1-9][0-9]*)?|http://(127\.0\.0\.1|localhost)(:[1-9][0-9]*)?")
_OBVIOUS = {
    ("runpod:apiKey", "RUNPOD_API_KEY"): _KEY,
    ("runpod:apiBaseUrl", "RUNPOD_API_BASE_URL"): _URL,
    ("runpod:timeout", "RUNPOD_API_TIMEOUT"): _NUMBER,
    ("runpod:acceptVanished", "RUNPOD_ACCEPT_VANISHED"): _FLAG,
    ("runpod:s3AccessKeyId", "RUNPOD_S3_ACCESS_KEY_ID"): re.compile(r"user_[!-~]+"),
    ("runpod:s3SecretAccessKey", "RUNPOD_S3_SECRET_ACCESS_KEY"): re.compile(r"rps_[!-~]+"),
}
_NEVER_OBVIOUS = (
    ("runpod:allowPlainHttp", "RUNPOD_ALLOW_PLAIN_HTTP"),
    ("runpod:s3EndpointUrl", "RUNPOD_S3_ENDPOINT_URL"),
    ("runpod:s3PartBytes", "RUNPOD_S3_PART_BYTES"),
)


def are_plausible(config: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> bool:
    """False: `Settings.load` has to say."""
    return all(
        pattern.fullmatch(value)
        for names, pattern in _OBVIOUS.items()
        for value in (config.get(names[0]), environ.get(names[1]))
        if value is not None
    ) and not any(config.get(key) or environ.get(variable) for key, variable in _NEVER_OBVIOUS)
