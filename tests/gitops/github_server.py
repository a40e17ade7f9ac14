"""A stand-in for GitHub's REST API, since the real one can't be reached from a test. It is no GitHub.

It serves on 127.0.0.1 what `pulumi_runpod.gitops` asks for, as the published API describes it: comments in pages with
Link headers, issues, labels, pull requests, the account behind a token, and refusals. Anything else is 404.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

REPOSITORY = "team/endpoints"
LONGEST_BODY = 65_536
"""Characters of a comment or an issue; a longer one is refused with 422."""
READ_ONLY = "Resource not accessible by integration"


@dataclass(frozen=True)
class Account:
    """Whose token it is. `may_write` False is what a workflow of a fork gets; a bot may not ask who it is."""

    login: str
    bot: bool = False
    may_write: bool = True

    def json(self) -> dict[str, object]:
        return {"login": self.login, "id": len(self.login), "type": "Bot" if self.bot else "User"}


PERSON, WORKFLOW = Account("ada"), Account("github-actions[bot]", bot=True)
FORK = Account("github-actions[bot]", bot=True, may_write=False)
TOKENS = {"person-token": PERSON, "workflow-token": WORKFLOW, "fork-token": FORK}


@dataclass
class Comment:
    id: int
    number: int
    """Of the issue or pull request that it is on."""
    user: Account
    body: str


@dataclass
class Issue:
    """A pull request where `pull_request`."""

    number: int
    user: Account
    title: str = ""
    body: str = ""
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    pull_request: bool = False


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Mapping[str, object]


@dataclass
class _Scripted:
    status: int
    message: str
    headers: Mapping[str, str]
    times: int
    applies: Callable[[str, str], bool]


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        self.status, self.message, self.errors = status, message, errors
        super().__init__(message)


class GitHubServer:
    """Tests arrange and look at `issues` and `comments`; `calls` tells what was asked."""

    def __init__(self) -> None:
        self.issues: dict[int, Issue] = {}
        self.comments: dict[int, Comment] = {}
        self.calls: list[Call] = []
        self._scripted: list[_Scripted] = []
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"github": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """For GITHUB_API_URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, token: str = "workflow-token") -> dict[str, str]:
        """As a workflow has it."""
        return {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": token}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open_pull_request(self, number: int, *, labels: list[str] | None = None, state: str = "open") -> Issue:
        made = Issue(number, PERSON, f"Change {number}", state=state, labels=labels or [], pull_request=True)
        self.issues[number] = made
        return made

    def open_issue(self, user: Account, *, title: str, body: str, labels: list[str]) -> Issue:
        made = Issue(max(self.issues, default=0) + 1, user, title, body, labels=labels)
        self.issues[made.number] = made
        return made

    def write_comment(self, number: int, body: str, user: Account = PERSON) -> Comment:
        made = Comment(1000 + len(self.calls) + len(self.comments), number, user, body)
        while made.id in self.comments:
            made.id += 1
        self.comments[made.id] = made
        return made

    def comments_on(self, number: int) -> list[Comment]:
        return [comment for comment in self.comments.values() if comment.number == number]

    def answer_next(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        method: str | None = None,
        path: str = "",
    ) -> None:
        """The next `times` calls of this method whose path contains `path` are answered like this and do nothing."""
        self._scripted.append(
            _Scripted(status, message, headers or {}, times, lambda m, p: method in (None, m) and path in p)
        )

    def asked(self, method: str, path: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == method and path in call.path]

    def answer(
        self, method: str, target: str, token: str, body: Mapping[str, object]
    ) -> tuple[int, object, Mapping[str, str]]:
        """Status, JSON, headers."""
        with self._lock:
            split = urlsplit(target)
            query = dict(parse_qsl(split.query))
            self.calls.append(Call(method, target, body))
            for scripted in self._scripted:
                if scripted.times and scripted.applies(method, split.path):
                    scripted.times -= 1
                    return scripted.status, {"message": scripted.message}, scripted.headers
            try:
                return self._answer(method, split.path, query, token, body)
            except _RefusedError as refused:
                fields: dict[str, object] = {"message": refused.message, "documentation_url": "https://docs.github.com"}
                if refused.errors:
                    fields["errors"] = refused.errors
                return refused.status, fields, {}

    def _answer(
        self, method: str, path: str, query: dict[str, str], token: str, body: Mapping[str, object]
    ) -> tuple[int, object, Mapping[str, str]]:
        account = TOKENS.get(token)
        if account is None:
            raise _RefusedError(401, "Bad credentials")
        if path == "/user":
            if account.bot:
                raise _RefusedError(403, READ_ONLY)
            return 200, account.json(), {}
        prefix = f"/repos/{REPOSITORY}"
        if not path.startswith(prefix):
            raise _RefusedError(404, "Not Found")
        if method != "GET" and not account.may_write:
            raise _RefusedError(403, READ_ONLY)
        words = path[len(prefix) :].strip("/").split("/")
        match [method, *words]:
            case ["GET", ""]:
                return 200, {"full_name": REPOSITORY, "url": self.url + prefix}, {}
            case ["GET", "pulls"]:
                found = [i for i in self.issues.values() if i.pull_request and _in_state(i, query)]
                return self._page(path, query, [self._issue_json(issue) for issue in found])
            case ["GET", "pulls", number]:
                return 200, self._issue_json(self._issue(number, pull_request=True)), {}
            case ["GET", "issues"]:
                wanted = set(filter(None, query.get("labels", "").split(",")))
                found = [i for i in self.issues.values() if _in_state(i, query) and wanted <= set(i.labels)]
                return self._page(path, query, [self._issue_json(issue) for issue in found])
            case ["POST", "issues"]:
                _check_body(body, "Issue")
                labels = [str(label) for label in _list(body.get("labels"))]
                made = self.open_issue(
                    account, title=str(body["title"]), body=str(body.get("body") or ""), labels=labels
                )
                return 201, self._issue_json(made), {}
            case ["GET", "issues", number]:
                return 200, self._issue_json(self._issue(number)), {}
            case ["PATCH", "issues", number]:
                _check_body(body, "Issue")
                changed = self._issue(number)
                for name in ("title", "body", "state"):
                    if name in body:
                        setattr(changed, name, str(body[name]))
                return 200, self._issue_json(changed), {}
            case ["POST", "issues", number, "labels"]:
                changed = self._issue(number)
                changed.labels += [str(label) for label in _list(body.get("labels")) if label not in changed.labels]
                return 200, [{"name": label} for label in changed.labels], {}
            case ["DELETE", "issues", number, "labels", label]:
                changed = self._issue(number)
                if label not in changed.labels:
                    raise _RefusedError(404, "Label does not exist")
                changed.labels.remove(label)
                return 200, [{"name": label} for label in changed.labels], {}
            case ["GET", "issues", number, "comments"]:
                on = self._issue(number).number
                return self._page(path, query, [self._comment_json(c) for c in self.comments_on(on)])
            case ["POST", "issues", number, "comments"]:
                _check_body(body, "IssueComment")
                return (
                    201,
                    self._comment_json(self.write_comment(self._issue(number).number, str(body["body"]), account)),
                    {},
                )
            case ["PATCH", "issues", "comments", id_]:
                _check_body(body, "IssueComment")
                edited = self._comment(id_)
                edited.body = str(body["body"])
                return 200, self._comment_json(edited), {}
            case ["DELETE", "issues", "comments", id_]:
                del self.comments[self._comment(id_).id]
                return 204, None, {}
        raise _RefusedError(404, "Not Found")

    def _issue(self, number: str, *, pull_request: bool = False) -> Issue:
        found = self.issues.get(int(number)) if number.isdigit() else None
        if found is None or (pull_request and not found.pull_request):
            raise _RefusedError(404, "Not Found")
        return found

    def _comment(self, id_: str) -> Comment:
        if not id_.isdigit() or int(id_) not in self.comments:
            raise _RefusedError(404, "Not Found")
        return self.comments[int(id_)]

    def _page(
        self, path: str, query: dict[str, str], items: list[dict[str, object]]
    ) -> tuple[int, object, Mapping[str, str]]:
        size, page = min(int(query.get("per_page", "30")), 100), int(query.get("page", "1"))
        last = max(1, -(-len(items) // size))

        def link(to: int, relation: str) -> str:
            return f'<{self.url}{path}?{urlencode({**query, "page": to})}>; rel="{relation}"'

        headers = {"Link": f"{link(page + 1, 'next')}, {link(last, 'last')}"} if page < last else {}
        return 200, items[(page - 1) * size : page * size], headers

    def _issue_json(self, issue: Issue) -> dict[str, object]:
        kind = "pull" if issue.pull_request else "issues"
        fields: dict[str, object] = {
            "number": issue.number,
            "url": f"{self.url}/repos/{REPOSITORY}/issues/{issue.number}",
            "html_url": f"https://github.com/{REPOSITORY}/{kind}/{issue.number}",
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "user": issue.user.json(),
            "labels": [{"name": label} for label in issue.labels],
        }
        return {**fields, "pull_request": {"url": f"{self.url}/pulls/{issue.number}"}} if issue.pull_request else fields

    def _comment_json(self, comment: Comment) -> dict[str, object]:
        return {
            "id": comment.id,
            "url": f"{self.url}/repos/{REPOSITORY}/issues/comments/{comment.id}",
            "html_url": f"https://github.com/{REPOSITORY}/pull/{comment.number}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": comment.user.json(),
        }


def _in_state(issue: Issue, query: Mapping[str, str]) -> bool:
    return query.get("state", "open") in ("all", issue.state)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _check_body(body: Mapping[str, object], resource: str) -> None:
    if len(str(body.get("body") or "")) > LONGEST_BODY:
        message = f"body is too long (maximum is {LONGEST_BODY} characters)"
        raise _RefusedError(422, "Validation Failed", [{"resource": resource, "field": "body", "message": message}])


class _Handler(BaseHTTPRequestHandler):
    github: GitHubServer
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        document = json.loads(self.rfile.read(length)) if length else {}
        token = re.sub(r"^(token|bearer) ", "", self.headers.get("Authorization", ""), flags=re.IGNORECASE)
        status, answer, headers = self.github.answer(self.command, self.path, token, document)
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *args: object) -> None:
        """`calls` has it all."""


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    server = GitHubServer()
    try:
        yield server
    finally:
        server.close()
