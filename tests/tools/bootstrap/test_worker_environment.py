"""`.venv-worker`: one large environment for all clones with the same pins."""

from __future__ import annotations

import io

from setup_stand_ins import Clones, Recorder

from bootstrap import worker_environment
from bootstrap.console import Console
from bootstrap.places import Places


def clone_with_worker(clones: Clones, recorder: Recorder, name: str, lock: str = "torch==1\n") -> Places:
    places = clones.make(name)
    (places.repository / "worker").mkdir()
    worker_environment.pins(places).write_text(lock)
    places.uv.symlink_to(recorder.program("uv"))
    return places


def test_two_clones_with_the_same_lock_share_one_environment(
    clones: Clones, recorder: Recorder, console: Console
) -> None:
    """The second installs nothing."""
    first, second = (clone_with_worker(clones, recorder, name) for name in ("first", "second"))
    made = worker_environment.ensure(first, console=console)
    assert [call.split()[1] for call in recorder.calls] == ["venv", "pip"]
    assert "--require-hashes" in recorder.calls[1]
    assert worker_environment.ensure(second, console=console) == made
    assert len(recorder.calls) == 2
    assert first.worker_link.readlink() == second.worker_link.readlink() == made


def test_another_lock_gets_another_environment(clones: Clones, recorder: Recorder, console: Console) -> None:
    """The link follows; the other clone's environment stays."""
    first = worker_environment.ensure(clone_with_worker(clones, recorder, "first"), console=console)
    places = clone_with_worker(clones, recorder, "second", "torch==2\n")
    second = worker_environment.ensure(places, console=console)
    assert first is not None
    assert first.exists()
    assert second != first
    assert places.worker_link.readlink() == second


def test_a_clone_without_a_worker_is_reported(clones: Clones, console: Console, heard: io.StringIO) -> None:
    """And goes on without."""
    assert worker_environment.ensure(clones.make("clone"), console=console) is None
    assert "requirements-test.lock does not exist" in heard.getvalue()
