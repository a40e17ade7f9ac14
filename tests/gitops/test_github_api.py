"""Comments and issues on GitHub: kept up to date, never doubled, never somebody else's; refusals in one line."""

from __future__ import annotations

import pytest

from pulumi_runpod.errors import SettingsError
from pulumi_runpod.gitops.github_api import GitHubError, Repository
from tests.gitops.github_server import FORK, LONGEST_BODY, PERSON, REPOSITORY, WORKFLOW, GitHubServer, github_server

MARKER = "<!-- of ours -->"
LABEL = "drift"


def repository(github: GitHubServer, token: str = "workflow-token") -> Repository:
    return Repository(REPOSITORY, token, api=github.url)


def test_the_first_comment_is_written_and_then_edited(github: GitHubServer) -> None:
    """Two reports, one comment: the second replaces the text of the first."""
    github.open_pull_request(7)
    first = repository(github).keep_comment(7, MARKER, f"{MARKER}\none")
    second = repository(github).keep_comment(7, MARKER, f"{MARKER}\ntwo")

    (comment,) = github.comments_on(7)
    assert first == second == f"https://github.com/{REPOSITORY}/pull/7#issuecomment-{comment.id}"
    assert (comment.body, comment.user) == (f"{MARKER}\ntwo", WORKFLOW)


def test_an_unchanged_comment_is_left_alone(github: GitHubServer) -> None:
    """The same text again: no write, so nobody is notified."""
    github.open_pull_request(7)
    repository(github).keep_comment(7, MARKER, f"{MARKER}\none")
    github.calls.clear()
    repository(github).keep_comment(7, MARKER, f"{MARKER}\none")

    assert {call.method for call in github.calls} == {"GET"}


def test_the_comment_is_found_past_the_first_pages(github: GitHubServer) -> None:
    """After 250 comments of others, ours is still the one that is edited."""
    github.open_pull_request(7)
    for number in range(250):
        github.write_comment(7, f"comment {number}")
    ours = github.write_comment(7, f"{MARKER}\nold", WORKFLOW)
    for number in range(30):
        github.write_comment(7, f"later {number}")
    repository(github).keep_comment(7, MARKER, f"{MARKER}\nnew")

    assert ours.body == f"{MARKER}\nnew"
    assert len(github.asked("GET", "/issues/7/comments")) == 3
    assert not github.asked("POST")


@pytest.mark.parametrize("token", ["workflow-token", "person-token"])
def test_a_stranger_with_our_marker_is_not_followed(github: GitHubServer, token: str) -> None:
    """A copied marker neither takes our place nor is edited, whichever account runs the command."""
    github.open_pull_request(7)
    stranger = github.write_comment(7, f"{MARKER}\nmine now", PERSON if token == "workflow-token" else WORKFLOW)
    repository(github, token).keep_comment(7, MARKER, f"{MARKER}\nreport")

    assert stranger.body == f"{MARKER}\nmine now"
    assert len(github.comments_on(7)) == 2


def test_a_quote_of_the_marker_is_no_marker(github: GitHubServer) -> None:
    """Only a comment that begins with it is ours."""
    github.open_pull_request(7)
    quoted = github.write_comment(7, f"> {MARKER}\nas I said", WORKFLOW)
    repository(github).keep_comment(7, MARKER, f"{MARKER}\nreport")

    assert quoted.body.startswith("> ")
    assert len(github.comments_on(7)) == 2


def test_a_second_comment_of_ours_is_deleted(github: GitHubServer) -> None:
    """Two runs at once may both have written: the next one leaves the first alone."""
    github.open_pull_request(7)
    first, _ = (github.write_comment(7, f"{MARKER}\n{text}", WORKFLOW) for text in ("a", "b"))
    repository(github).keep_comment(7, MARKER, f"{MARKER}\nc")

    assert github.comments_on(7) == [first]
    assert first.body.endswith("c")


def test_a_fork_s_token_learns_why_it_may_not_write(github: GitHubServer) -> None:
    """403: one line that names forks and the permission."""
    github.open_pull_request(7)
    with pytest.raises(GitHubError, match=r"forks.*pull-requests: write") as refused:
        repository(github, "fork-token").keep_comment(7, MARKER, f"{MARKER}\nreport")

    assert refused.value.status == 403
    assert "\n" not in str(refused.value)
    assert not FORK.may_write


@pytest.mark.parametrize(
    ("token", "number", "text"),
    [
        pytest.param("wrong", 7, "401 Bad credentials: the token is wrong or has expired", id="401"),
        pytest.param("workflow-token", 8, "404 Not Found: no such repository or number", id="404"),
    ],
)
def test_a_refusal_is_one_line_with_what_to_do(github: GitHubServer, token: str, number: int, text: str) -> None:
    """Status, GitHub's word, and ours."""
    github.open_pull_request(7)
    with pytest.raises(GitHubError) as refused:
        repository(github, token).keep_comment(number, MARKER, MARKER)

    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_too_long_body_is_refused_with_github_s_reason(github: GitHubServer) -> None:
    """422 names what is wrong with the body."""
    github.open_pull_request(7)
    with pytest.raises(GitHubError, match=r"422 Validation Failed.*too long"):
        repository(github).keep_comment(7, MARKER, MARKER + "x" * LONGEST_BODY)


def test_a_passing_server_error_is_survived_by_reads_and_edits(github: GitHubServer) -> None:
    """502 on the list and on the edit: both are asked again."""
    github.open_pull_request(7)
    ours = github.write_comment(7, f"{MARKER}\nold", WORKFLOW)
    github.answer_next(502, "Bad gateway", method="GET")
    github.answer_next(503, "Unavailable", method="PATCH")
    repository(github).keep_comment(7, MARKER, f"{MARKER}\nnew")

    assert ours.body.endswith("new")


def test_a_comment_is_never_sent_twice(github: GitHubServer) -> None:
    """A POST that was answered with 502 may have worked: it fails instead of being repeated."""
    github.open_pull_request(7)
    github.answer_next(502, "Bad gateway", method="POST")
    with pytest.raises(GitHubError, match="502"):
        repository(github).keep_comment(7, MARKER, MARKER)

    assert len(github.asked("POST")) == 1


def test_a_lasting_server_error_ends_in_one_line(github: GitHubServer) -> None:
    """After a few attempts: the status, no traceback, no endless loop."""
    github.open_pull_request(7)
    github.answer_next(500, "Oops", times=50)
    with pytest.raises(GitHubError, match="GitHub, team/endpoints, comments of pull request 7 -> "):
        repository(github).keep_comment(7, MARKER, MARKER)

    assert len(github.calls) == 4


def test_a_used_up_quota_that_comes_back_late_is_not_waited_for(github: GitHubServer) -> None:
    """A reset an hour away: one line now, rather than a job that hangs."""
    github.open_pull_request(7)
    github.answer_next(
        403, "API rate limit exceeded for installation", headers={"X-RateLimit-Reset": "99999999999"}, times=50
    )
    with pytest.raises(GitHubError, match=r"rate limit.*run it again later"):
        repository(github).keep_comment(7, MARKER, MARKER)

    assert len(github.calls) == 1


def test_a_short_pause_that_github_asks_for_is_made(github: GitHubServer) -> None:
    """403 with Retry-After: asked again."""
    github.open_pull_request(7)
    github.answer_next(403, "You have exceeded a secondary rate limit", headers={"Retry-After": "0"}, method="GET")
    repository(github).keep_comment(7, MARKER, MARKER)

    assert len(github.comments_on(7)) == 1


def test_no_answer_at_all_says_what_to_check() -> None:
    """Nothing listens there: one line that names the variable."""
    with github_server() as gone:
        url = gone.url
    with pytest.raises(GitHubError, match=r"no answer.*GITHUB_API_URL"):
        Repository(REPOSITORY, "workflow-token", api=url).keep_comment(7, MARKER, MARKER)


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        pytest.param({"GITHUB_REPOSITORY": REPOSITORY}, "no GitHub token: set GITHUB_TOKEN", id="no token"),
        pytest.param({"GITHUB_TOKEN": "t"}, "which repository", id="no repository"),
        pytest.param({"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "a/b/c"}, "is no repository", id="no OWNER/NAME"),
        pytest.param(
            {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "a/b", "GITHUB_API_URL": "nowhere"},
            "GITHUB_API_URL",
            id="no URL",
        ),
    ],
)
def test_what_the_environment_lacks_is_named(environ: dict[str, str], text: str) -> None:
    """Before any call."""
    with pytest.raises(SettingsError, match=text):
        Repository.of_environment(None, environ)


def test_an_issue_is_opened_updated_and_closed(github: GitHubServer) -> None:
    """One issue through its life; an unchanged one is left alone."""
    asked = repository(github)
    done = [
        asked.keep_issue(MARKER, LABEL, title="Drift", body=f"{MARKER}\none")[0],
        asked.keep_issue(MARKER, LABEL, title="Drift", body=f"{MARKER}\none")[0],
        asked.keep_issue(MARKER, LABEL, title="Drift", body=f"{MARKER}\ntwo")[0],
    ]
    url = asked.close_issue(MARKER, LABEL, farewell="All is as it should be.")

    assert done == ["opened", "unchanged", "updated"]
    (issue,) = github.issues.values()
    assert (issue.state, issue.labels, issue.body) == ("closed", [LABEL], f"{MARKER}\ntwo")
    assert url == f"https://github.com/{REPOSITORY}/issues/{issue.number}"
    assert [comment.body for comment in github.comments_on(issue.number)] == ["All is as it should be."]
    assert asked.close_issue(MARKER, LABEL, farewell="again") is None


def test_a_stranger_s_issue_is_not_taken_for_ours(github: GitHubServer) -> None:
    """Marker and label are there, the author is another: a new issue is opened."""
    stranger = github.open_issue(PERSON, title="Drift", body=f"{MARKER}\nmine", labels=[LABEL])
    repository(github).keep_issue(MARKER, LABEL, title="Drift", body=f"{MARKER}\nreport")

    assert stranger.body == f"{MARKER}\nmine"
    assert len(github.issues) == 2


def test_a_pull_request_tells_its_state_and_labels(github: GitHubServer) -> None:
    """Open or not, and labels as a set; a number that is not a pull request is refused."""
    github.open_pull_request(7, labels=["preview", "gpu"], state="closed")
    result = repository(github).pull_request(7)

    assert (result.open, result.labels) == (False, {"preview", "gpu"})
    with pytest.raises(GitHubError, match="pull request 8 -> 404"):
        repository(github).pull_request(8)
