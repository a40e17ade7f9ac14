"""The check of the language: what Vale does not see by itself, in a repository made for the test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = '''"""The user is told."""

import typer


def run(told: str) -> None:
    """Whoever runs this."""
    # A comment of its own.
    typer.echo(f"{told} says so")
'''


@pytest.fixture(scope="module")
def vale() -> str:
    done = subprocess.run(
        [sys.executable, "tools/setup.py", "--print", "vale"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_docstrings_comments_messages_and_names_are_checked(vale: str, tmp_path: Path) -> None:
    """One finding for each place, by its line; a clean document has none."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "clean.md").write_text("The command prints the address.\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    code = (
        "import sys; sys.path.insert(0, 'tools'); from prose import findings; from pathlib import Path\n"
        f"print(*findings({vale!r}, Path({str(tmp_path)!r})), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    places = {line.split(": ")[0].rsplit(":", 1)[0] for line in done.stdout.splitlines()}
    assert places == {f"program.py:{line}" for line in (1, 6, 7, 8, 9)}, done.stdout
