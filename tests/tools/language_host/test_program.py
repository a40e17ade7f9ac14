"""The exec script's command line."""

from __future__ import annotations

from pulumi.runtime.proto import language_pb2

from language_host.program import exec_arguments


def test_the_exec_script_gets_what_the_request_holds_and_no_empty_option() -> None:
    """In the official host's order; the entry point and the program's own arguments come last."""
    request = language_pb2.RunRequest(
        project="p",
        stack="s",
        pwd="/projects/p",
        args=["--flag"],
        dryRun=True,
        parallel=4,
        monitor_address="127.0.0.1:1",
        info=language_pb2.ProgramInfo(root_directory="/root", program_directory="/root", entry_point="."),
    )
    assert exec_arguments(request, "127.0.0.1:2") == [
        *("--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:2", "--project", "p", "--root_directory", "/root"),
        *("--stack", "s", "--pwd", "/projects/p", "--dry_run", "true", "--parallel", "4", ".", "--flag"),
    ]
