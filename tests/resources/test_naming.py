"""What an automatic name reports of its object."""

from __future__ import annotations

import time

from pulumi_runpod.resources.naming import automatic_name, mark_of, prefix, project_marker, stack_marker


def test_a_name_tells_resource_project_stack_and_second() -> None:
    """Whatever hyphens stand in the name of the resource."""
    before = int(time.time())
    mark = mark_of(automatic_name(prefix("team-a-weights", stack_marker("shop", "dev"))))

    assert mark is not None
    assert (mark.resource_name, mark.project) == ("team-a-weights", project_marker("shop"))
    assert mark.made_at is not None
    assert before <= mark.made_at <= int(time.time())
    assert mark.of_stack("shop", "dev")
    assert not mark.of_stack("shop", "prod")
    assert not mark.of_stack("other", "dev")


def test_names_of_the_same_second_differ() -> None:
    """Two declarations of one name, in two components, are made at once."""
    assert len({automatic_name("worker-abcdefgh") for _ in range(1000)}) == 1000


def test_a_name_of_an_older_release_tells_the_project_alone() -> None:
    """It stays recognised: it lies in states and on objects."""
    mark = mark_of(f"weights-{project_marker('shop')}-vejwbgvv")

    assert mark is not None
    assert (mark.project, mark.stack, mark.made_at) == (project_marker("shop"), None, None)
    assert not mark.of_stack("shop", "dev")


def test_a_chosen_name_tells_nothing() -> None:
    """Not even where it has hyphens."""
    assert mark_of("weights") is None
    assert mark_of("my-shiny-volume") is None


def test_a_line_break_in_a_name_changes_nothing() -> None:
    """A resource may be named so; a chosen name that only ends in one is not automatic."""
    name = automatic_name(prefix("two\nlines", stack_marker("shop", "dev")))
    mark = mark_of(name)

    assert mark is not None
    assert mark.resource_name == "two\nlines"
    assert mark_of(f"{name}\n") is None
