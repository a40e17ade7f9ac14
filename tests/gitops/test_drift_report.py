"""The issue: stacks that drift with the causes, those that could not be looked at, and no more than GitHub takes."""

from __future__ import annotations

import pytest

from pulumi_runpod.gitops.drift_report import MARKER, drift_issue, drifted, unknown
from pulumi_runpod.gitops.preview import Drift, PropertyChange, StackPreview, Violation
from tests.gitops.github_server import LONGEST_BODY
from tests.gitops.golden_events import golden_preview
from tests.gitops.test_markdown import REFERENCES, Rendered


def long_drift(objects: int, text: str) -> StackPreview:
    changed = tuple(PropertyChange(path=f"env{i}", before=text, after=text) for i in range(20))
    return StackPreview(
        stack="prod",
        drift=tuple(
            Drift(kind="Endpoint", name=f"{text}{i}", urn="urn", gone=False, cause=text, properties=changed)
            for i in range(objects)
        ),
    )


def test_each_stack_says_how_to_take_it_back_and_how_to_accept_it() -> None:
    """Only those that drift; the one without drift is not mentioned."""
    text = drift_issue([golden_preview("drift", "prod"), golden_preview("unchanged", "dev")])

    assert text.startswith(MARKER)
    assert "### Stack `prod`" in text
    assert "`pulumi up --refresh --stack prod`" in text
    assert "`pulumi refresh --stack prod`" in text
    assert "`dev`" not in text


def test_a_stack_that_could_not_be_looked_at_is_named_with_the_reason() -> None:
    """It may be the one that drifts."""
    previews = [golden_preview("crash", "staging"), golden_preview("unchanged", "dev")]
    text = drift_issue(previews)

    assert unknown(previews) == ("staging",)
    assert not drifted(previews)
    assert "### Stack `staging`" in text
    assert "It could not be looked at: ValueError: the settings are wrong" in text


def test_what_a_policy_refuses_is_no_reason_not_to_know() -> None:
    """The refresh was made all the same."""
    refused = StackPreview(stack="dev", violations=(Violation(policy="p", pack="team", mandatory=True, text="no"),))

    assert refused.failed
    assert unknown([refused]) == ()
    assert "Nothing has drifted." in drift_issue([refused])


@pytest.mark.parametrize("text", ["a" * 300, "🔥" * 200, "@team `x` </details> <script> #1 | " * 8])
def test_any_length_is_cut_at_the_end_of_a_line(text: str) -> None:
    """In the characters that GitHub counts, whatever they are; what is left is whole, and calls nobody."""
    review = drift_issue([long_drift(300, text), golden_preview("drift", "dev")])
    rendered = Rendered(review)

    assert len(review.encode("utf-16-le")) // 2 <= LONGEST_BODY
    assert review.startswith(MARKER)
    assert "The rest is too long for an issue" in review
    assert set(rendered.tags) <= {"h2", "h3", "p", "ul", "li", "code"}
    assert not REFERENCES.search(rendered.outside.replace("…", ""))
