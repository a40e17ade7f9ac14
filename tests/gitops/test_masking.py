"""Nothing secret is published: values of the environment, and what looks like a key, from any source."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.preview import Notice, StackPreview


@pytest.mark.parametrize(
    "name",
    ["RUNPOD_API_KEY", "GITHUB_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "db_password"],
)
def test_a_secret_of_the_environment_is_hidden(name: str) -> None:
    """By what its variable is called, wherever it is."""
    assert Masker({name: "swordfish-4711"}).text("a swordfish-4711, xswordfish-4711x") == "a [secret], x[secret]x"


def test_of_two_secrets_the_longer_goes_first() -> None:
    """One that begins like another leaves no rest."""
    assert Masker({"A_KEY": "swordfish", "B_KEY": "swordfish-4711"}).text("swordfish-4711") == "[secret]"


def test_short_values_files_and_other_variables_are_left(tmp_path: Path) -> None:
    """What would be found in ordinary words, a path, and what is no secret."""
    file = tmp_path / "key.json"
    file.touch()
    masker = Masker({"A_KEY": "local", "B_KEY_FILE": "/some/where", "C_CREDENTIALS": str(file), "HOME": "/home/team"})
    text = f"local /some/where {file} /home/team"

    assert masker.text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "rpa_ABCDEFGHIJ1234567890",
        "rps_abcdefghij1234567890",
        "hf_abcdefghijABCDEFGHIJ",
        "ghp_abcdefghijABCDEFGHIJ",
        "github_pat_11ABCDEFG0abcdefg",
        "pul-0123456789abcdef",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.abcdefghij",
    ],
)
def test_a_known_shape_of_key_is_hidden(key: str) -> None:
    """Also where no variable holds it, and inside of other text."""
    assert Masker({}).text(f"denied for '{key}'.") == "denied for '[secret]'."


def test_a_password_in_a_url_is_hidden() -> None:
    """User and password together; the host stays."""
    assert Masker({}).text("https://robot:hunter22@registry.example.com/x") == "https://[secret]@registry.example.com/x"


def test_a_whole_report_is_masked() -> None:
    """Every text in it, and nothing else of it."""
    preview = StackPreview(
        stack="dev", errors=("key swordfish-4711",), notices=(Notice(severity="info", text="swordfish-4711"),)
    )
    masked = Masker({"A_KEY": "swordfish-4711"}).masked(preview)

    assert masked == StackPreview(
        stack="dev", errors=("key [secret]",), notices=(Notice(severity="info", text="[secret]"),)
    )
