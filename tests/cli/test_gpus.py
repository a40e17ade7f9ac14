"""`pulumi-runpod gpus`: the choice of a pool on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app
from pulumi_runpod.client import close_clients
from pulumi_runpod.emulator.local import LocalRunPod


@pytest.fixture
def live(local_runpod: LocalRunPod, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunPod]:
    """The environment of a person whose account is the local RunPod."""
    for name, value in local_runpod.environment.items():
        monkeypatch.setenv(name, value)
    yield local_runpod
    close_clients()


def test_the_cheapest_pool_that_fits_comes_first(live: LocalRunPod) -> None:
    """12 GB in EU-RO-1: the choice, and every pool that fits, cheapest first, with stock and where volumes meet it."""
    done = CliRunner().invoke(app, ["gpus", "--vram", "12", "--data-center", "EU-RO-1", "--json"])
    output = json.loads(done.stdout)
    prices = [pool["pricePerHour"] for pool in output["fits"]]

    assert done.exit_code == 0
    assert output["chosen"] == output["fits"][0]["pool"] == "AMPERE_16"
    assert prices == sorted(prices)
    assert output["fits"][0]["stock"] == "HIGH"
    assert "EU-RO-1" in output["fits"][0]["volumeDataCenters"]
    assert (output["currency"], output["prices"]) == ("USD", "catalog of RunPod")


def test_stock_that_is_gone_moves_the_choice(live: LocalRunPod) -> None:
    """The cheapest pool without stock where it must run is listed, and not taken."""
    live.call(lambda platform: platform.stock.set("AMPERE_16@EU-RO-1", 0))
    done = CliRunner().invoke(app, ["gpus", "--vram", "12", "--data-center", "EU-RO-1", "--json"])
    output = json.loads(done.stdout)

    assert output["chosen"] == "AMPERE_24"
    assert {pool["pool"]: pool["stock"] for pool in output["fits"]}["AMPERE_16"] == "NONE"


def test_the_table_says_need_choice_and_currency() -> None:
    """The text names the need with its headroom, the pool, the prices and their date."""
    done = CliRunner().invoke(app, ["gpus", "--vram", "12", "--offline"])

    assert "need: 12 GB as given; with 20 % headroom 14.4 GB" in done.stdout
    assert "take AMPERE_16: 16 GB at $0.58/h" in done.stdout
    assert "prices: copy of the catalog of 2026-11-24, USD" in done.stdout


def test_a_need_can_be_estimated_from_weights() -> None:
    """Weights, dtype and resolution give an estimate, reported with its error."""
    done = CliRunner().invoke(app, ["gpus", "--weights-gb", "6.94", "--resolution", "1024x1024", "--offline"])

    assert "= 10.9 GB (9.63 to 11.7); with 20 % headroom 13.1 GB" in done.stdout


def test_without_a_need_every_pool_is_listed() -> None:
    """The plain command is a price list, pools without a price named as such."""
    done = CliRunner().invoke(app, ["gpus", "--offline"])

    assert "BLACKWELL_180" in done.stdout
    assert "not ADA_32_PRO: no serverless price" in done.stdout


def test_a_catalog_that_does_not_answer_is_said_and_the_copy_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is no live catalog: the dated copy answers, and stderr says why."""
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    done = CliRunner().invoke(app, ["gpus", "--vram", "12"])

    assert done.exit_code == 0
    assert done.stderr.startswith("note: no RunPod API key")
    assert "copy of the catalog of 2026-11-24" in done.stderr


def test_nothing_that_fits_is_exit_code_one() -> None:
    """A script sees that there is no such GPU."""
    done = CliRunner().invoke(app, ["gpus", "--vram", "500", "--offline"])

    assert done.exit_code == 1
    assert "no serverless pool has 600 GB" in done.stdout


@pytest.mark.parametrize("bad", ["nan", "-1", "0", "1e9", "much"])
def test_a_bad_need_is_one_line_and_exit_code_two(bad: str) -> None:
    """The flag, the value and the range; nothing else."""
    done = CliRunner().invoke(app, ["gpus", f"--vram={bad}", "--offline"])
    shown = repr(bad) if bad == "much" else bad

    assert done.exit_code == 2
    assert done.stderr == f"error: --vram is {shown}: must be a number above 0 and at most 10,000\n"
