"""Check the language of this repository: `python tools/prose.py VALE`, with the path of the program `vale`.

Vale reads documents, docstrings and comments by itself. Messages and help texts are strings in the middle of programs:
they go to Vale as files of their words alone, line for line. Names are compared with a list of names that say nothing.

Exit codes: 0 no finding; 1 findings, one a line as PATH:LINE:COLUMN: text; 2 Vale cannot be run.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = re.compile(r"(^|_)told(_|$)")
"""Names that do not say what they hold."""
_READ = (".md", ".py")
_STYLE = "tools/prose_styles"
_MAY_NAME_THEM = ("tests/tools/test_prose.py", "tools/prose.py", "CONTRIBUTING.md")
"""Files that show what is banned."""


def findings(vale: str, root: Path = ROOT) -> Iterator[str]:
    """Every finding in the files that git tracks, as `PATH:LINE:COLUMN: text`. Raises OSError where Vale fails."""
    listing = ["git", "ls-files", "-z", *(f"*{suffix}" for suffix in _READ)]
    tracked = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [name for name in tracked if name and name not in _MAY_NAME_THEM and (root / name).is_file()]
    yield from _vale(vale, root, files)
    with tempfile.TemporaryDirectory() as folder:
        strings = Path(folder)
        for name in files:
            if name.endswith(".py"):
                source = (root / name).read_text(encoding="utf-8")
                yield from _names(name, source)
                copy = strings / f"{name}.txt"
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(_strings(source), encoding="utf-8")
        for line in _vale(vale, strings, ["."]):
            yield line.replace(".py.txt:", ".py:", 1)


def _vale(program: str, root: Path, targets: list[str]) -> Iterator[str]:
    command = [program, "--no-global", "--config", str(ROOT / ".vale.ini"), "--output=line", *targets]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise OSError(f"vale failed: {done.stderr.strip() or done.stdout.strip()}")
    for line in done.stdout.splitlines():
        path, at, column, _, text = line.split(":", 4)
        yield f"{path.removeprefix('./')}:{at}:{column}: {text}"


def _names(path: str, source: str) -> Iterator[str]:
    """Names in code that do not say what they hold."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and NAMES.search(token.string):
            line, column = token.start
            yield f"{path}:{line}:{column + 1}: '{token.string}' does not say what it holds"


def _strings(source: str) -> str:
    """The strings of a program that are no docstrings, each on its own line; all other lines are empty."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    lines: list[str] = [""] * (source.count("\n") + 2)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for offset, text in enumerate(node.value.splitlines()):
                at = min(node.lineno - 1 + offset, len(lines) - 1)
                lines[at] += f" {text}"
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the findings; the exit code of the program."""
    try:
        found = sorted(set(findings(sys.argv[1])))
    except (IndexError, OSError, subprocess.CalledProcessError) as error:
        print(f"prose: {error}; run: python tools/prose.py VALE", file=sys.stderr)
        return 2
    if found:
        print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
