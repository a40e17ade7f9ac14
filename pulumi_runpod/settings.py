"""Key, base URL and timeouts, from Pulumi config or the environment. Nothing is read at import, nothing is guessed.

A missing key is no error here but at the first call: a preview without changes needs none.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from pulumi_runpod.errors import SettingsError

DEFAULT_API_BASE_URL = "https://api.runpod.io"

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]

# field -> (Pulumi config key, environment variable)
SOURCES = {
    "api_key": ("runpod:apiKey", "RUNPOD_API_KEY"),
    "api_base_url": ("runpod:apiBaseUrl", "RUNPOD_API_BASE_URL"),
    "allow_plain_http": ("runpod:allowPlainHttp", "RUNPOD_ALLOW_PLAIN_HTTP"),
    "timeout": ("runpod:timeout", "RUNPOD_API_TIMEOUT"),
    "accept_vanished": ("runpod:acceptVanished", "RUNPOD_ACCEPT_VANISHED"),
    "allow_namesakes": ("runpod:allowNamesakes", "RUNPOD_ALLOW_NAMESAKES"),
    "s3_access_key_id": ("runpod:s3AccessKeyId", "RUNPOD_S3_ACCESS_KEY_ID"),
    "s3_secret_access_key": ("runpod:s3SecretAccessKey", "RUNPOD_S3_SECRET_ACCESS_KEY"),
    "s3_endpoint_url": ("runpod:s3EndpointUrl", "RUNPOD_S3_ENDPOINT_URL"),
    "s3_part_bytes": ("runpod:s3PartBytes", "RUNPOD_S3_PART_BYTES"),
}


OTHER_KEYS = frozenset({"runpod:provider", "runpod:offlineCatalog"})
"""Keys of the namespace that are read elsewhere."""

LOCAL_CREDENTIALS = Path(".local", "runpod", "credentials.json")
"""Below the project: what a local RunPod that was given no key notes for those who may use it."""
_LOCAL_KEYS = {
    "api_key": "apiKey",
    "s3_access_key_id": "s3AccessKeyId",
    "s3_secret_access_key": "s3SecretAccessKey",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _local_keys(api_base_url: str) -> dict[str, str]:
    """Keys of the local RunPod at an address, by the file that it left in this directory or one above it."""
    if not _address(api_base_url):
        return {}
    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            noted = json.loads((folder / LOCAL_CREDENTIALS).read_text())
            if _address(str(noted["api"])) == _address(api_base_url):
                return {name: str(noted[key]) for name, key in _LOCAL_KEYS.items()}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # none there, or not ours
    return {}


def _address(url: str) -> int | None:
    """The port of a URL of this machine; None for any other URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return port if parts.hostname in _LOOPBACK else None


class Settings(BaseModel):
    """How to reach one RunPod account. Frozen; never shows the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr | None = None
    allow_plain_http: bool = False
    """Send the key over http to hosts other than this machine. RunPod itself is never reached so."""
    api_base_url: str = DEFAULT_API_BASE_URL
    """Control plane, without `/v2` and without a slash at the end."""
    timeout: Seconds = 30.0
    """Seconds to wait for an answer."""
    connect_timeout: Seconds = 10.0
    """Seconds to wait for a connection."""
    accept_vanished: bool = False
    """Believe it when everything that was asked for is gone at once (see `ObjectsVanished`)."""
    allow_namesakes: bool = False
    """Create an object under a chosen name that an object outside the stack's state has already."""
    s3_access_key_id: str | None = None
    """Of an S3 API key (`user_...`), which is of another kind than the API key: for uploads to volumes alone."""
    s3_secret_access_key: SecretStr | None = None
    """Its secret (`rps_...`)."""
    s3_part_bytes: Annotated[int, Field(ge=1, le=500_000_000)] = 64 << 20
    """Larger files are sent in parts of this size; what an interrupted upload loses is at most a few of them."""
    s3_endpoint_url: str | None = None
    """Where volumes offer S3, with `{data_center}` in it. Default: the service's own hosts; beside an API base URL that
    is not the service's, `<api base URL>/s3/{data_center}`, as the local RunPod has it."""

    @classmethod
    def load(cls, config: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """Pulumi config (keys with their namespace) wins over the environment, which wins over the defaults.

        For a local RunPod of this project, the keys that it made for itself are the defaults.

        An empty value counts as not given. Raises `SettingsError`, which names all mistakes and where they stand.
        """
        config = config or {}
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for name, (key, variable) in SOURCES.items():
            native = key.replace("runpod:", "runpod-serverless:", 1)
            # Of a stack that went over to the native provider, the config that this one reads is what counts.
            keys = (native, key) if config.get("runpod:provider") == "native" else (key, native)
            for place, source, lookup in (*((one, config, one) for one in keys), (variable, environ, variable)):
                value = source.get(lookup)
                if value is not None and value.strip():
                    given[name], origin[name] = value.strip(), place
                    break
        misspelt = _misspelt(config)
        for name, value in _local_keys(given.get("api_base_url", "")).items():
            if name not in given:
                given[name], origin[name] = value, str(LOCAL_CREDENTIALS)
        try:
            found = cls(**given)
            if not misspelt:
                return found
            mistakes = []
        except ValidationError as error:
            mistakes = [
                f"{origin.get(str(e['loc'][0]), e['loc'][0])}: {_sentence(e['msg'])}"
                for e in error.errors(include_input=False, include_url=False, include_context=False)
            ]
        raise SettingsError("; ".join(mistakes + misspelt))

    @property
    def key(self) -> str:
        """The key in clear, for the header alone. Raises `SettingsError` when there is none."""
        if self.api_key is None:
            raise SettingsError(
                "no RunPod API key: run `pulumi config set --secret runpod:apiKey` in the stack, or set RUNPOD_API_KEY "
                f"(for {self.api_base_url})"
            )
        return self.api_key.get_secret_value()

    @property
    def key_digest(self) -> str:
        """Ten hex digits for key and base URL together. The same digits mean the same account; they reveal neither."""
        return _digest(self.api_base_url, self.key)

    def s3_digest(self, data_center: str) -> str:
        """Ten hex digits for the S3 access key's id and the S3 endpoint of a data center."""
        return _digest(self.s3_endpoint(data_center) or "", self.s3_key[0])

    @property
    def s3_key(self) -> tuple[str, str]:
        """Access key and secret in clear, for signing alone. Raises `SettingsError` when one is missing."""
        if self.s3_access_key_id is None or self.s3_secret_access_key is None:
            missing = [
                f"`pulumi config set {option}{key}` or {variable}"
                for name, option in (("s3_access_key_id", ""), ("s3_secret_access_key", "--secret "))
                if getattr(self, name) is None
                for key, variable in (SOURCES[name],)
            ]
            raise SettingsError(
                "no S3 API key: files of volumes need one, and the API key does not do. Make one in the RunPod console "
                f"(Settings, S3 API Keys) and set {' and '.join(missing)}"
            )
        return self.s3_access_key_id, self.s3_secret_access_key.get_secret_value()

    def s3_endpoint(self, data_center: str) -> str | None:
        """Where the volumes of a data center offer S3; None: at the service's own host."""
        template = self.s3_endpoint_url
        if template is None and self.api_base_url != DEFAULT_API_BASE_URL:
            template = f"{self.api_base_url}/s3/{{data_center}}"
        return template.replace("{data_center}", data_center) if template else None

    @field_validator("s3_access_key_id", "s3_secret_access_key")
    @classmethod
    def _plain_s3_key(cls, value: SecretStr | str | None) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
        if text and not (text.isascii() and text.isprintable() and " " not in text):
            raise PydanticCustomError("key", "holds blanks, line ends or characters beyond ASCII")
        if text.startswith("rpa_"):
            raise PydanticCustomError("key", "is an API key; an S3 API key is `user_...` with a secret `rps_...`")
        return value

    @field_validator("s3_endpoint_url")
    @classmethod
    def _s3_url(cls, value: str | None) -> str | None:
        if value is not None:
            checked_base_url(value.replace("{data_center}", "eu-ro-1"))
        return value

    @field_validator("api_key")
    @classmethod
    def _plain_key(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else ""
        if value and not (text.isascii() and text.isprintable() and " " not in text):
            raise PydanticCustomError("key", "is not an API key: it holds blanks, line ends or characters beyond ASCII")
        return value

    @field_validator("api_base_url")
    @classmethod
    def _bare_url(cls, value: str, info: ValidationInfo) -> str:
        value = checked_base_url(value)
        if not info.data.get("allow_plain_http", True) and (mistake := plain_http_mistake(value)):
            raise PydanticCustomError("plain_http", "{mistake}", {"mistake": mistake})
        return value


def _misspelt(config: Mapping[str, str]) -> list[str]:
    """Keys of the namespace that are nearly, but not quite, one of ours. Others may be a newer release's."""
    known = {key for key, _ in SOURCES.values()} | OTHER_KEYS
    strange = sorted(key for key in config if key.startswith("runpod:") and key not in known)
    near = ((key, get_close_matches(key, known, n=1, cutoff=0.8)) for key in strange)
    return [f"{key}: is no setting: did you mean {meant[0]}? `pulumi config rm {key}`" for key, meant in near if meant]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def plain_http_mistake(url: str) -> str | None:
    """Why a key must not be sent to this URL, or None for https and for this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or is_loopback(parts.hostname or ""):
        return None
    key, variable = SOURCES["allow_plain_http"]
    return (
        f"http would show the key to everyone on the way to {parts.hostname}: use https, or allow it with "
        f"`pulumi config set {key} true` or {variable}=1"
    )


def checked_base_url(value: str) -> str:
    """The URL without a slash at its end. Raises `PydanticCustomError` (a `ValueError`) that says what is wrong."""
    value = value.strip().rstrip("/")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise PydanticCustomError("url", "is not a URL") from None
    if parts.username is not None or parts.password is not None:
        # Before all else, and without the value: it would show the password.
        raise PydanticCustomError("url", "must not hold a user or password; the key has its own setting")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise PydanticCustomError("url", "must be a URL such as https://api.runpod.io or http://127.0.0.1:8001")
    if parts.query or parts.fragment:
        raise PydanticCustomError("url", "must end before any ? or #")
    if parts.path == "/v2" or parts.path.endswith("/v2"):
        raise PydanticCustomError("url", "must be given without /v2, which every path carries itself")
    if parts.scheme == "http" and parts.hostname.endswith(("runpod.io", "runpod.ai")):
        raise PydanticCustomError(
            "url", "must be https for RunPod itself: http would show the key to everyone on the way"
        )
    return value


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:]
