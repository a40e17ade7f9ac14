"""docs/traps.md: every trap of the service has its answer here, and a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "traps.md"
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
TRAPS = 42
"""So that none is taken off the page unnoticed."""


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    return frozenset(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_trap_is_on_the_page() -> None:
    """One row each, in order."""
    assert [int(number) for number, *_ in ROWS] == list(range(1, TRAPS + 1))


@pytest.mark.parametrize(("number", "service", "here", "held_by"), ROWS, ids=[row[0] for row in ROWS])
def test_a_trap_is_held_by_tests_that_exist(number: str, service: str, here: str, held_by: str) -> None:
    """Renaming or dropping such a test fails here."""
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", held_by)

    assert named, f"trap {number} ({service}) is answered by {here!r}, and by no test"
    assert [f"{file}::{test}" for file, test in named if test not in functions_in(file)] == []


def test_what_the_local_runpod_shows_is_on_the_page() -> None:
    """No trap is shown there without an answer here."""
    shown = functions_in("emulator/test_traps.py")

    assert [test for test in sorted(shown) if f"::{test}`" not in PAGE.read_text()] == []
