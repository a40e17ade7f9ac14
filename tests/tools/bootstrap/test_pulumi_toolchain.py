"""Which Pulumi a clone uses, and what building our own costs a second clone."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from setup_stand_ins import Clones, Recorder

from bootstrap import pulumi_toolchain
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.go_programs import PULUMI, entry_name
from bootstrap.places import Places

GO = """
case "$1 $2" in
    "version ") echo "go version go1.26.0 linux/amd64" ;;
    "list -deps") printf 'one\\ntwo\\n' ;;
    "list -m") echo "MODULE" ;;
    "build -v")
        for argument; do [ "$before" = -o ] && out=$argument; before=$argument; done
        echo two >&2
        printf '#!/bin/sh\\necho VERSION\\n' > "$out"; chmod +x "$out" ;;
esac
"""


@pytest.fixture
def go(recorder: Recorder, tmp_path: Path) -> Recorder:
    """A Go whose builds take no time and whose one module holds the scripts that we install."""
    for file in PULUMI.files:
        path = tmp_path / "module" / file.path
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n# official {path.name}\n")
    script = GO.replace("MODULE", str(tmp_path / "module")).replace("VERSION", PULUMI.version)
    recorder.program("go", script)
    return recorder


def official(recorder: Recorder, version: str = PULUMI.version, *, without: str = "") -> None:
    """An official Pulumi on PATH."""
    recorder.program("pulumi", f'[ "$1" = version ] && echo {version}')
    for helper in pulumi_toolchain.HELPERS:
        if helper != without:
            recorder.program(helper)


def test_an_official_pulumi_on_path_is_used_and_nothing_is_built(
    clones: Clones, go: Recorder, console: Console
) -> None:
    """`.venv/bin/pulumi` leads to it."""
    official(go)
    places = clones.make("clone")
    program = pulumi_toolchain.ensure(places, console=console)
    assert program == go.directory / "pulumi"
    assert (places.venv / "bin" / "pulumi").resolve() == program
    assert go.calls == ["pulumi version"]


def test_helpers_beside_the_real_file_of_a_linked_pulumi_count(
    clones: Clones, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """The engine looks there too: that is how most package managers install it."""
    official(recorder)
    links = tmp_path / "links"
    links.mkdir()
    (links / "pulumi").symlink_to(recorder.directory / "pulumi")
    monkeypatch.setenv("PATH", f"{links}:/usr/bin:/bin")
    assert pulumi_toolchain.ensure(clones.make("clone"), console=console) == recorder.directory / "pulumi"


@pytest.mark.parametrize(
    ("version", "without", "reason"),
    [
        ("v3.10.0", "", "is version 3.10.0, older than"),
        ("", "", "is version unknown, older than"),
        (PULUMI.version, "pulumi-language-python", "has no pulumi-language-python beside it or on PATH"),
        (PULUMI.version, "pulumi-resource-pulumi-python", "has no pulumi-resource-pulumi-python beside it"),
    ],
)
def test_an_official_pulumi_that_will_not_do_is_passed_over_with_the_reason(
    clones: Clones, go: Recorder, console: Console, heard: io.StringIO, version: str, without: str, reason: str
) -> None:
    """The user learns how to have it used instead of waiting for a build."""
    official(go, version, without=without)
    program = pulumi_toolchain.ensure(clones.make("clone"), console=console)
    assert program.parent.parent.parent == clones.base / "cache"
    assert reason in heard.getvalue()
    assert "install its newest release" in heard.getvalue()


def test_our_own_pulumi_on_path_is_not_taken_for_an_official_one(
    clones: Clones, go: Recorder, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell with `.venv/bin` on PATH changes nothing."""
    places = clones.make("clone")
    pulumi_toolchain.ensure(places, console=console)
    monkeypatch.setenv("PATH", str(places.venv / "bin"), prepend=os.pathsep)
    assert pulumi_toolchain.find_official(places) is None


def test_the_built_toolchain_is_whole(clones: Clones, go: Recorder, console: Console) -> None:
    """CLI and official scripts as they came, our host between them, all real files in one directory."""
    program = pulumi_toolchain.ensure(clones.make("clone"), console=console)
    names = sorted(path.name for path in program.parent.iterdir())
    assert names == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]
    for path in program.parent.iterdir():
        assert not path.is_symlink()
        assert os.access(path, os.X_OK)
    shim = program.with_name("pulumi-resource-pulumi-python")
    assert shim.read_text() == "#!/bin/sh\n# official pulumi-resource-pulumi-python\n"
    host = program.with_name("pulumi-language-python")
    ran = subprocess.run([host, "127.0.0.1:9"], input=b"", capture_output=True, timeout=30, check=True)
    assert ran.stdout.strip().isdigit()
    assert ran.stderr == b""


def test_the_build_is_stamped_static_and_held_to_go_sum(clones: Clones, go: Recorder, console: Console) -> None:
    """Without its version the CLI is refused by the Automation API."""
    pulumi_toolchain.ensure(clones.make("clone"), console=console)
    build = next(call for call in go.calls if call.startswith("go build"))
    assert f"common/version.Version={PULUMI.version}" in build
    assert build.endswith(PULUMI.package)


def test_a_second_clone_starts_no_go(clones: Clones, go: Recorder, console: Console) -> None:
    """Same sources, same key: it finds all that the first has built."""
    first = pulumi_toolchain.ensure(clones.make("first"), console=console)
    assert [call.split()[1] for call in go.calls] == ["version", "list", "build", "list", "list"]
    second = pulumi_toolchain.ensure(clones.make("second"), console=console)
    assert second == first
    assert len(go.calls) == 5


def test_an_edit_of_the_host_builds_no_cli(clones: Clones, go: Recorder, console: Console) -> None:
    """Only what depends on the edit is made anew."""
    pulumi_toolchain.ensure(clones.make("first"), console=console)
    edited = clones.make("second")
    (edited.tools / "language_host" / "errors.py").write_text("# edited\n")
    program = pulumi_toolchain.ensure(edited, console=console)
    assert (program.parents[1] / "lib" / "language_host" / "errors.py").read_text() == "# edited\n"
    assert sum(call.startswith("go build") for call in go.calls) == 1


def test_an_environment_that_was_deleted_from_the_cache_is_made_again(
    clones: Clones, go: Recorder, console: Console
) -> None:
    """A toolchain that links to nothing would be no toolchain."""
    places = clones.make("clone")
    program = pulumi_toolchain.ensure(places, console=console)
    environment = program.parents[1] / "environment"
    (places.cache / environment.readlink().name).unlink()
    assert not environment.exists()
    places.uv.symlink_to(go.program("uv", "echo no network; exit 1"))
    with pytest.raises(SetupError, match="could not make the language host's environment"):
        pulumi_toolchain.ensure(places, console=console)


def test_other_modules_or_another_recipe_give_another_cli(clones: Clones) -> None:
    """Nothing stale is ever found."""

    def name_after(change: str, places: Places) -> str:
        path = places.tools / "go" / "pulumi" / change
        path.write_text(path.read_text() + "\n")
        return entry_name(PULUMI, places)

    names = {entry_name(PULUMI, clones.make("as-is"))}
    names |= {name_after(change, clones.make(change)) for change in ("go.mod", "go.sum")}
    assert len(names) == 3


def test_a_failed_build_shows_its_last_lines_and_that_nothing_is_lost(
    clones: Clones, recorder: Recorder, console: Console
) -> None:
    """The next run goes on with what was compiled; no half toolchain is left."""
    recorder.program(
        "go",
        'case "$1" in version) echo "go version go1.30.1 linux/amd64" ;; list) ;; '
        '*) echo "no space left on device"; exit 2 ;; esac',
    )
    places = clones.make("clone")
    with pytest.raises(SetupError) as failure:
        pulumi_toolchain.ensure(places, console=console)
    text = str(failure.value)
    assert text.startswith(f"could not build pulumi {PULUMI.version}: this command failed with exit status 2")
    assert "no space left on device" in text
    assert "run this again to go on" in text
    assert not (places.venv / "bin" / "pulumi").exists()
    assert not list(places.cache.glob("*v3*"))
