"""`pulumi-runpod cost`: the monthly range, the comparison and the drawing."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result
from matplotlib.image import imread
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app
from pulumi_runpod.errors import RunPodError

SMALL = ["--requests-per-day", "500", "--seconds-each", "4"]
ONE_PRICE = ["--serverless-per-hour", "0.44", "--reserved-per-hour", "0.44"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cost", *arguments])


def test_the_figures_come_to_the_cent() -> None:
    """500 x 4 s at $0.44/h: $7.33 of work; reserved $316.80; a warm worker $10.56 a day."""
    (result,) = json.loads(run(*ONE_PRICE, *SMALL, "--json").stdout)
    work = {part["what"]: part["amount"] for part in result["bills"]["low"]}

    assert work["work on demand"] == 7.33
    assert result["reserved"]["perMonth"] == 316.80
    assert result["reserved"]["crossoverUtilisation"] == 1
    assert result["warmWorker"]["perDay"] == 10.56
    assert result["warmWorker"]["perMonth"] == 316.80
    assert result["currency"] == "USD"
    assert result["low"] <= result["expected"] <= result["high"]


def test_the_crossover_is_computed_from_both_prices() -> None:
    """$0.69 reserved against $1.116 serverless cross at 61.8 %."""
    prices = ["--serverless-per-hour", "1.116", "--reserved-per-hour", "0.69"]

    assert "from 61.8 % busy on (13,355 requests a day a GPU); declared: 2.31 %" in run(*prices, *SMALL).stdout


def test_the_arithmetic_is_shown_on_request() -> None:
    """--explain puts factors and result under each end of the range."""
    plain, explained = run(*ONE_PRICE, *SMALL).stdout, run(*ONE_PRICE, *SMALL, "--explain").stdout
    line = "work on demand: 500 requests x 4 s = 2,000 s/day x $0.0001222/s x 30 days = $7.33"

    assert line in explained
    assert line not in plain


def test_a_pool_is_priced_by_the_catalog() -> None:
    """A pool's price and its date stand beside the range."""
    assert "$1.116/h, ADA_24, copy of the catalog of 2026-11-24" in run("--gpu-pools", "ADA_24", "--offline").stdout


def test_a_need_takes_the_cheapest_pool() -> None:
    """--vram without a pool is priced as the chooser would deploy it."""
    assert "$0.576/h, AMPERE_16" in run("--vram", "12", "--offline").stdout


def test_every_bad_number_is_a_line() -> None:
    """All at once, each under its flag, exit code 2."""
    done = run(
        "--gpu-pools", "ADA_24", "--requests-per-day=-3", "--seconds-each", "nan", "--workers-max", "1.5", "--offline"
    )

    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "error: --workers-max is 1.5: must be a whole number from 0 to 1,000",
        "error: --requests-per-day is -3: must be a number above 0 and at most 1,000,000,000",
        "error: --seconds-each is nan: must be a number above 0 and at most 604,800",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--offline"], "which GPU?"),
        (["--gpu-pools", "NONE_1", "--offline"], "NONE_1 has no serverless price"),
        (["--gpu-pools", "ADA_24", "--offline", "--plot", "x.gif"], "must end in .png or .svg"),
        (["--gpu-pools", "ADA_24", "--offline", "--plot", "/nowhere/x.png"], "there is no folder /nowhere"),
        (["--gpu-pools", "ADA_24", "--offline", "--plot", "x.png", "--theme", "blue"], "must be light or dark"),
    ],
)
def test_what_cannot_be_done_is_one_error(arguments: list[str], text: str) -> None:
    """An error of ours, which the command prints as one line."""
    done = run(*arguments)

    assert isinstance(done.exception, RunPodError)
    assert text in str(done.exception)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_drawing_is_a_picture_in_its_theme(tmp_path: Path, theme: str) -> None:
    """A PNG of a fixed size whose corner is the theme's paper, with lines on it."""
    file = tmp_path / "cost.png"
    done = run("--gpu-pools", "ADA_24", *SMALL, "--offline", "--plot", str(file), "--theme", theme)
    picture = imread(file)
    corner = picture[2, 2, :3].mean()

    assert done.exit_code == 0, done.output
    assert picture.shape[:2] == (832, 1344)
    assert corner > 0.95 if theme == "light" else corner < 0.1
    assert picture[:, :, :3].std() > 0.03


def test_the_svg_names_curves_and_crossover(tmp_path: Path) -> None:
    """Text stays text in the SVG: the lines, the crossover and the currency can be read and searched."""
    file = tmp_path / "cost.svg"
    run("--serverless-per-hour", "1.116", "--reserved-per-hour", "0.69", *SMALL, "--plot", str(file))
    texts = [element.text or "" for element in ElementTree.parse(file).iter() if element.tag.endswith("text")]

    assert "crossover 62%" in texts
    assert "reserved, $496.80 a month" in texts
    assert "serverless, as set (expected)" in texts
    assert "USD a month" in texts


def test_the_same_drawing_is_the_same_file(tmp_path: Path) -> None:
    """No date and no random ids: a drawing kept in a repository changes when its figures do."""
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for file in (first, second):
        run(*ONE_PRICE, *SMALL, "--plot", str(file))

    assert first.read_bytes() == second.read_bytes()
