"""What `make test` runs, and what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import run_tests
from probe_projects import ROOT
from run_tests import NO_TESTS_COLLECTED, Part, parts

PASSES, FAILS, SELECTS_NOTHING = 0, 3, NO_TESTS_COLLECTED

pytestmark = pytest.mark.process


def ending(name: str, status: int, text: str = "") -> Part:
    return Part(name, (sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["package", "worker"]),
        (["-k", "name"], ["package", "worker"]),
        (["tests/wire"], ["package"]),
        (["tests/wire/test_model.py::test_x"], ["package"]),
        (["tests/worker/test_model.py"], ["worker"]),
        (["tests/wire", "tests/worker"], ["package", "worker"]),
    ],
)
def test_paths_select_the_part_they_belong_to(arguments: list[str], expected: list[str]) -> None:
    """Other arguments go to both parts."""
    assert [part.name for part in parts("usual", arguments, 4)] == expected


def test_a_path_of_one_part_is_not_passed_to_the_other() -> None:
    """Each environment collects its own tests only."""
    package, worker = parts("usual", ["tests/wire", "tests/worker/test_model.py", "-x"], 4)

    assert "tests/worker/test_model.py" not in package.command
    assert "tests/wire" not in worker.command
    assert "-x" in package.command
    assert "-x" in worker.command


def test_quick_leaves_out_what_is_slow_and_the_workers_environment() -> None:
    """Every mark of a slow kind is named, and each is one that pyproject.toml describes."""
    (package,) = parts("quick", [], 4)

    assert "not engine and not worker and not docker and not browser and not process" in " ".join(package.command)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((PASSES, PASSES), 0),
        ((FAILS, PASSES), FAILS),
        ((PASSES, FAILS), FAILS),
        ((SELECTS_NOTHING, PASSES), 0),
        ((PASSES, SELECTS_NOTHING), 0),
        ((SELECTS_NOTHING, SELECTS_NOTHING), NO_TESTS_COLLECTED),
    ],
)
def test_every_part_runs_and_the_status_tells_of_all(
    statuses: tuple[int, int], expected: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failure of one part ends no other; a selection that is empty everywhere is an error, as pytest has it."""
    first, second = statuses

    assert run_tests.run([ending("one", first, "from one"), ending("two", second, "from two")]) == expected
    output = capfd.readouterr().out
    assert output.index("from one") < output.index("from two")


LEAVES_A_PROCESS = """
import subprocess, sys
sys.path.insert(0, {tools!r})
import run_tests

def work():
    left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(left.pid, flush=True)
    return 7

sys.exit(run_tests.with_nothing_left(work))
"""


def test_a_process_that_is_left_is_named_and_ended(tmp_path: Path) -> None:
    """Also one in another session, whose parent has ended. The exit status is that of the tests."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_PROCESS.format(tools=str(ROOT / "tools"))],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    pid = int(done.stdout)

    assert done.returncode == 7, done.stderr
    assert f"Ended a process that the tests left: {pid} sleep 1000" in done.stderr
    assert not Path(f"/proc/{pid}").exists()
