"""What a user reads when a program fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.commands import LAST_LINES, run
from bootstrap.errors import SetupError


def test_output_of_both_streams_comes_back_in_order_and_line_by_line() -> None:
    """The watcher sees each line as it comes, the last one too when it does not end."""
    seen: list[str] = []
    text = run(
        ["sh", "-c", "echo one; echo two >&2; printf three"],
        purpose="count",
        advice="",
        watch=lambda line: seen.append(line) if line is not None else None,
    )
    assert text == "one\ntwo\nthree"
    assert seen == ["one", "two", "three"]


def test_a_failure_tells_purpose_command_last_words_and_what_to_do() -> None:
    """And no more of the output than helps."""
    with pytest.raises(SetupError) as failure:
        run(["sh", "-c", "seq 100; exit 3"], purpose="build the tool", advice="Run this again.")
    text = str(failure.value)
    assert text.startswith(
        "could not build the tool: this command failed with exit status 3\n  sh -c 'seq 100; exit 3'"
    )
    assert text.endswith("\n    100\nRun this again.")
    assert len(text.splitlines()) == 2 + LAST_LINES + 1


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As a failure like any other."""
    missing = tmp_path / "no-such-program"
    with pytest.raises(SetupError, match=rf"could not build: {missing} does not start \(No such file or directory\)"):
        run([missing], purpose="build", advice="")
