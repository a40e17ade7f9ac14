"""Where key and URLs come from, and what is refused on the way in."""

from __future__ import annotations

import pytest

from pulumi_runpod.errors import SettingsError
from pulumi_runpod.settings import DEFAULT_API_BASE_URL, Settings

KEY = "rpa_0123456789abcdef"


def test_without_anything_the_service_itself_is_meant() -> None:
    """No key is no error yet: a preview without changes needs none."""
    settings = Settings.load({}, {})

    assert settings.api_base_url == DEFAULT_API_BASE_URL
    assert settings.api_key is None


def test_config_wins_over_the_environment() -> None:
    """Pulumi config first, then environment, then default."""
    settings = Settings.load(
        {"runpod:apiKey": "from-config"},
        {"RUNPOD_API_KEY": "from-environment", "RUNPOD_API_BASE_URL": "http://127.0.0.1:8001/"},
    )

    assert settings.key == "from-config"
    assert settings.api_base_url == "http://127.0.0.1:8001"


def test_an_empty_value_counts_as_not_given() -> None:
    """`RUNPOD_API_KEY=` in a shell is no key."""
    assert Settings.load({"runpod:apiKey": " "}, {"RUNPOD_API_KEY": ""}).api_key is None


def test_a_missing_key_names_both_ways_to_set_it() -> None:
    """The error comes when the key is needed."""
    with pytest.raises(SettingsError) as raised:
        _ = Settings.load({}, {}).key

    assert "pulumi config set --secret runpod:apiKey" in str(raised.value)
    assert "RUNPOD_API_KEY" in str(raised.value)


def test_the_key_is_never_shown() -> None:
    """Neither text nor repr holds it."""
    settings = Settings.load({"runpod:apiKey": KEY}, {})

    assert KEY not in str(settings)
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("api.runpod.io", "must be a URL"),
        ("ftp://api.runpod.io", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://[::1", "is not a URL"),
        ("http://127.0.0.1:99999", "is not a URL"),
        ("http://127.0.0.1:0", "must be a URL"),
        ("https://api.runpod.io/v2", "without /v2"),
        ("https://api.runpod.io/v2/", "without /v2"),
        ("https://proxy.example.com/runpod/v2", "without /v2"),
        ("https://api.runpod.io?x=1", "before any ?"),
        ("http://api.runpod.io", "must be https"),
        ("https://user:hunter2@api.runpod.io", "must not hold a user or password"),
    ],
)
def test_a_wrong_base_url_is_refused_by_its_source(url: str, text: str) -> None:
    """The message names the setting and what is wrong, and never repeats a URL that may hold a password."""
    with pytest.raises(SettingsError) as raised:
        Settings.load({}, {"RUNPOD_API_BASE_URL": url})

    assert str(raised.value).startswith("RUNPOD_API_BASE_URL: ")
    assert text in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["https://api.runpod.io", "http://127.0.0.1:8001", "http://[::1]:8001", "https://proxy.example.com/runpod"]
)
def test_a_base_url_may_have_a_port_and_a_path(url: str) -> None:
    """Gateways put the service below a path."""
    assert Settings(api_base_url=f"{url}/").api_base_url == url


@pytest.mark.parametrize("key", ["two words", "line\nend", "ключ"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key: str) -> None:
    """Such a key could not be put into a header."""
    with pytest.raises(SettingsError) as raised:
        Settings.load({"runpod:apiKey": key}, {})

    assert "runpod:apiKey: is not an API key" in str(raised.value)
    assert key not in str(raised.value)


def test_all_mistakes_come_at_once() -> None:
    """Each by the name under which it was set."""
    with pytest.raises(SettingsError) as raised:
        Settings.load({"runpod:timeout": "soon", "runpod:acceptVanished": "perhaps"}, {"RUNPOD_API_BASE_URL": "x"})

    for name in ("runpod:timeout", "runpod:acceptVanished", "RUNPOD_API_BASE_URL"):
        assert name in str(raised.value)


def test_settings_cannot_be_changed() -> None:
    """They are a key of caches."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().timeout = 1.0  # type: ignore[misc]


def test_config_of_the_native_provider_counts_as_well() -> None:
    """A YAML project has no other; of a stack that went over, its own keys win."""
    native = {"runpod-serverless:apiKey": "rpa_NATIVE"}
    both = {**native, "runpod:apiKey": "rpa_DYNAMIC"}

    assert Settings.load(native, {}).key == "rpa_NATIVE"
    assert Settings.load(both, {}).key == "rpa_DYNAMIC"
    assert Settings.load({**both, "runpod:provider": "native"}, {}).key == "rpa_NATIVE"
