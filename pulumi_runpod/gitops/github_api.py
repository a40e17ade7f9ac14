"""What is asked of GitHub, through PyGithub (extra `gitops`): comments and issues to keep up to date, pull requests.

A comment or issue of ours begins with a hidden marker and was written by the account that asks: a stranger who copies
the marker is not followed. Every failure is one line.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.extras import require

if TYPE_CHECKING:
    from github import GithubException
    from github.Issue import Issue
    from github.NamedUser import NamedUser
    from github.Organization import Organization
    from github.Repository import Repository as GithubRepository

DEFAULT_API = "https://api.github.com"
_PAGE = 100
_LONGEST_PAUSE = 120
"""Seconds. A quota that comes back later than that fails the call."""
_FORK_ADVICE = (
    "The token may only read: that is so for pull requests from forks, on purpose. Elsewhere, give the job "
    "`permissions: pull-requests: write` (and `issues: write` for drift)"
)


class GitHubError(RunPodError):
    """`status` is HTTP's; None where nothing answered."""

    def __init__(self, text: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True)
class PullRequest:
    number: int
    open: bool
    labels: frozenset[str]


class Repository:
    """One repository. Made without a call."""

    def __init__(self, slug: str, token: str, *, api: str = DEFAULT_API) -> None:
        """`slug`: OWNER/NAME. Raises `SettingsError`."""
        require("gitops", "A comment or an issue on GitHub")
        from github import Auth, Github, GithubRetry

        owner, _, name = slug.partition("/")
        if not owner or not name or "/" in name:
            raise SettingsError(f"{slug!r} is no repository: OWNER/NAME is wanted (--repository, GITHUB_REPOSITORY)")
        address = urlsplit(api)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise SettingsError(f"GITHUB_API_URL, {api!r}, is no URL, such as {DEFAULT_API}")
        self.slug = slug
        # It prints refusals by itself, which are reported here.
        logging.getLogger("github").setLevel(logging.ERROR)
        # A POST is not repeated: a comment could be there twice. Pauses between calls are for those who make hundreds.
        again = GithubRetry(
            total=3, backoff_factor=0.2, allowed_methods={"GET", "PATCH"}, max_rate_limit_wait=_LONGEST_PAUSE
        )
        self._github = Github(
            auth=Auth.Token(token),
            base_url=api.rstrip("/"),
            per_page=_PAGE,
            retry=again,
            timeout=15,
            seconds_between_requests=None,
            seconds_between_writes=None,
            # No call for an object before something is asked of it.
            lazy=True,
        )
        self._repository: GithubRepository = self._github.get_repo(slug)
        self._me: str | None = None

    @classmethod
    def of_environment(cls, slug: str | None = None, environ: Mapping[str, str] = os.environ) -> Repository:
        """As GitHub Actions says: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL. Raises `SettingsError`."""
        token = environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN")
        if not token:
            raise SettingsError(
                "no GitHub token: set GITHUB_TOKEN (in a workflow: `env: GITHUB_TOKEN: ${{ github.token }}`)"
            )
        named = slug or environ.get("GITHUB_REPOSITORY")
        if not named:
            raise SettingsError("which repository? --repository OWNER/NAME, or GITHUB_REPOSITORY")
        return cls(named, token, api=environ.get("GITHUB_API_URL") or DEFAULT_API)

    def pull_request(self, number: int) -> PullRequest:
        with self._asked(f"pull request {number}"):
            result = self._repository.get_pull(number)
            return PullRequest(number, result.state == "open", frozenset(label.name for label in result.labels))

    def keep_comment(self, number: int, marker: str, body: str) -> str:
        """Write the one comment with this marker, or bring it up to date; its URL. Others with it are deleted."""
        with self._asked(f"comments of pull request {number}"):
            issue = self._repository.get_issue(number)
            ours = [c for c in issue.get_comments() if (c.body or "").startswith(marker) and self._is_me(c.user)]
            if not ours:
                return str(issue.create_comment(body).html_url)
            kept, *others = ours
            for other in others:
                other.delete()
            if kept.body != body:
                kept.edit(body)
            return str(kept.html_url)

    def open_issue(self, marker: str, label: str) -> Issue | None:
        """The open issue that begins with the marker and carries the label."""
        with self._asked("issues"):
            for issue in self._repository.get_issues(state="open", labels=[label]):
                if issue.pull_request is None and (issue.body or "").startswith(marker) and self._is_me(issue.user):
                    return issue
        return None

    def keep_issue(self, marker: str, label: str, *, title: str, body: str) -> tuple[str, str]:
        """The one issue with this marker, now up to date: `opened`, `updated` or `unchanged`, and its URL."""
        found = self.open_issue(marker, label)
        with self._asked("issues"):
            if found is None:
                return "opened", str(self._repository.create_issue(title, body, labels=[label]).html_url)
            if (found.title, found.body) == (title, body):
                return "unchanged", str(found.html_url)
            found.edit(title=title, body=body)
            return "updated", str(found.html_url)

    def close_issue(self, marker: str, label: str, *, farewell: str) -> str | None:
        """Close it with a last word; its URL, or None where there was none."""
        found = self.open_issue(marker, label)
        if found is None:
            return None
        with self._asked("issues"):
            found.create_comment(farewell)
            found.edit(state="closed", state_reason="completed")
        return str(found.html_url)

    def _is_me(self, user: NamedUser | Organization) -> bool:
        if self._me is None:
            self._me = self._login()
        # A token of a workflow or an app may not ask who it is: then it is some bot's.
        return user.login == self._me if self._me else user.type == "Bot"

    def _login(self) -> str:
        from github import GithubException

        try:
            return self._github.get_user().login
        except GithubException as error:
            if error.status in (403, 404):
                return ""
            raise

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        from github import GithubException
        from requests import RequestException

        try:
            yield
        except GithubException as error:
            raise GitHubError(f"GitHub, {self.slug}, {what} -> {_reason(error)}", error.status) from None
        except RequestException as error:
            raise GitHubError(
                f"GitHub, {self.slug}, {what} -> no answer ({type(error).__name__}): "
                "check the network, and GITHUB_API_URL"
            ) from None


def _reason(error: GithubException) -> str:
    status, data = error.status, error.data if isinstance(error.data, dict) else {}
    details = [
        detail["message"] for detail in data.get("errors") or () if isinstance(detail, dict) and "message" in detail
    ]
    text = " ".join(f"{status} {data.get('message') or ''} {'; '.join(map(str, details))}".split())
    if status in (403, 429) and "rate limit" in text.lower():
        return f"{text}: this token's calls are used up for now; run it again later"
    if status == 401:
        return f"{text}: the token is wrong or has expired"
    if status == 403:
        return f"{text}: {_FORK_ADVICE}"
    if status == 404:
        return f"{text}: no such repository or number, or the token may not see it"
    return text
