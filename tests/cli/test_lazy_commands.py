"""A command imports what it needs, and every command is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pulumi_runpod.cli.lazy_commands import LazyCommands

LOADED = """
import sys
from pulumi_runpod.cli.main import main
sys.argv = ["pulumi-runpod", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
print(sorted(name for name in sys.modules if name.startswith("pulumi_runpod.cli.")))
print(sorted({"httpx", "starlette", "boto3", "github", "pulumi"} & set(sys.modules)))
"""


def loaded(*arguments: str) -> tuple[str, str]:
    """Modules of the command line, and heavy libraries, that a command's help imports."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    commands, libraries = done.stdout.splitlines()[-2:]
    return commands, libraries


def test_a_command_imports_no_other_and_no_library_that_it_may_not_need() -> None:
    """The previews' command: neither the commands for jobs and costs, nor a client, before it has begun."""
    commands, libraries = loaded("preview-comment", "--help")

    assert "pulumi_runpod.cli.preview_comment" in commands
    assert "pulumi_runpod.cli.job" not in commands
    assert "pulumi_runpod.cli.cost" not in commands
    assert libraries == "[]"


@pytest.mark.parametrize("name", list(LazyCommands()))
def test_every_command_is_there_and_named_so(name: str) -> None:
    """With a line for the list of commands."""
    command = LazyCommands()[name]

    assert command.name == name
    assert command.get_short_help_str()


def test_the_help_lists_them_all() -> None:
    """In one order, groups last."""
    commands, _ = loaded("--help")

    assert all(f"pulumi_runpod.cli.{name.replace('-', '_')}" in commands for name in LazyCommands())
