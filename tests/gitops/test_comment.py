"""The comment: what is lost is loud, the summary always whole, and it fits into what GitHub takes."""

from __future__ import annotations

import re

import pytest

from pulumi_runpod.gitops.comment import COMMENT, MARKER, SUMMARY, Origin, Room, comment
from pulumi_runpod.gitops.preview import (
    CostChange,
    MonthlyCost,
    Notice,
    ResourceChange,
    StackPreview,
    UrlChange,
    Violation,
)
from tests.gitops.github_server import LONGEST_BODY
from tests.gitops.golden_events import golden_preview
from tests.gitops.project.situations import SITUATIONS
from tests.gitops.test_markdown import REFERENCES, Rendered

ORIGIN = Origin("0123456789abcdef0123", "https://github.com/team/endpoints/actions/runs/1")
OURS = {"h2", "p", "br", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "span"} | {
    *("details", "summary", "b", "ul", "li", "pre", "a", "sub")
}


def rows(text: str) -> list[list[str]]:
    """Cells of the table of stacks."""
    table = text.split("|:--|:--|:--|:--|:--|\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def long_preview(entries: int, text: str) -> StackPreview:
    return StackPreview(
        stack="dev",
        changes=tuple(
            ResourceChange(action="replace", kind="Endpoint", name=f"{text}{i}", urn=f"urn-{i}") for i in range(entries)
        ),
        urls=tuple(UrlChange(name=f"{text}{i}", url=f"https://{text}/{i}", replaced=True) for i in range(entries)),
        notices=tuple(Notice(severity="warning", text=f"{text} {i}") for i in range(entries)),
    )


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_rendered_with_our_markup_alone(situation: str) -> None:
    """GitHub's library makes nothing but our own tags of it, closes what it opens, and finds nothing to follow."""
    text = comment([golden_preview(situation)], ORIGIN)
    rendered = Rendered(text)
    said = rendered.outside.replace("…", "")

    assert set(rendered.tags) <= OURS
    assert rendered.tags.count("details") == text.count("</details>\n") == 1
    assert rendered.tags.count("a") == 1
    assert not REFERENCES.search(said), REFERENCES.findall(said)


def test_it_begins_with_the_marker() -> None:
    """By which it is found again."""
    assert comment([golden_preview("create")], ORIGIN).startswith(f"{MARKER}\n")


def test_a_line_for_each_stack() -> None:
    """In the order asked for: changes, cost now and then, drift, advice."""
    review = rows(comment([golden_preview(s) for s in ("update", "unchanged", "drift", "delete", "create")], ORIGIN))

    assert [re.sub(r"</?span>|\*", "", " | ".join(row)) for row in review] == [
        "✏️&nbsp;`update` | 2 updated | $104.09 → $7,024.58 (+$6,920.49) |  | ⚠️&nbsp;2",
        "✅&nbsp;`unchanged` | none | $104.09, as now |  | ",
        "✨&nbsp;`drift` | 1 created, 4 updated | $104.09, as now | 🌀&nbsp;5 | ",
        "🗑️&nbsp;`delete` | 6 deleted | $104.09 → nothing |  | ",
        "✨&nbsp;`create` | 4 created | nothing → $104.09 |  | ",
    ]


def test_losses_stand_before_everything() -> None:
    """URLs that stop answering and data that is lost come before the table, in bold."""
    text = comment([golden_preview("replace"), golden_preview("delete")], ORIGIN)
    loud = text.split("> [!CAUTION]")[1].split("| Stack |")[0]

    assert text.index("> [!CAUTION]") < text.index("| Stack |")
    assert "**`replace`: the URL of endpoint `images` stops answering**, another one takes its place" in loud
    assert "**`replace`: volume `scratch` is replaced: its data is lost**" in loud
    assert "**`delete`: the URL of endpoint `sdxl` stops answering**, nothing takes its place" in loud
    assert "`kept`" not in loud


def test_without_losses_nothing_is_loud() -> None:
    """A creation or an update raises no alarm."""
    assert "[!CAUTION]" not in comment([golden_preview("create"), golden_preview("update")], ORIGIN)


def test_a_failure_is_reported_beside_the_stacks_that_worked() -> None:
    """Its reason in the table and whole in details that are open; the others as ever."""
    text = comment([golden_preview("update"), golden_preview("refused")], ORIGIN)

    assert "## Pulumi preview: ❌ 1 stack failed" in text
    assert "**failed**: weights: size: is 10 GB" in rows(text)[1][1]
    assert "<details><summary><b><code>update</code></b>" in text
    assert "<details open><summary><b><code>refused</code></b>: the preview failed</summary>" in text
    assert "to give it up, set allow_data_loss=True\n```" in text
    assert max(map(len, text.split("```text\n")[1].split("\n```")[0].splitlines())) <= 100


def test_what_a_policy_refuses_is_a_failure_with_everything_else_reported() -> None:
    """The row names the policies and has changes and cost; details, open, say what is wrong, advice of policies too."""
    text = comment([golden_preview("policies", "prod"), golden_preview("unchanged")], ORIGIN)
    refused = rows(text)[0]

    assert "## Pulumi preview: ❌ 1 stack failed" in text
    assert refused[0] == "❌&nbsp;**`prod`**"
    assert refused[1] == "**refused by policy**: `gpu-allow-list`, `stack-cost-ceiling`<br>1 updated"
    assert refused[2].count("<span>$</span>") == 3
    assert refused[4] == "⚠️&nbsp;1"
    assert "<details open><summary><b><code>prod</code></b>: 1 updated, 3 unchanged</summary>" in text
    assert "- ❌ `gpu-allow-list` of `runpod` refuses `sdxl`: sdxl uses `AMPERE_80`; allowed are" in text
    assert "- ⚠️ `endpoint-cost-ceiling` of `runpod` advises against `sdxl`: sdxl can cost" in text


def test_many_policies_are_counted() -> None:
    """Five are named."""
    found = tuple(Violation(policy=f"p{i}", pack="team", mandatory=True, text="no") for i in range(9))
    text = comment([StackPreview(stack="dev", violations=found)], ORIGIN)

    assert rows(text)[0][1] == "**refused by policy**: `p0`, `p1`, `p2`, `p3`, `p4`, and 4 more<br>none"


def test_drift_is_reported_with_its_cause() -> None:
    """Whose doing it was, from what to what."""
    text = comment([golden_preview("drift")], ORIGIN)

    assert (
        "- Endpoint `idle`: `workers.max` is `2`, should be `5`. Cause: RunPod has lowered workers.max from 5 to 2"
        in text
    )
    assert "- Endpoint `gone`: is gone. Cause: deleted outside of Pulumi" in text
    assert "`name` is `renamed @team`" in text


@pytest.mark.parametrize(
    ("now", "then", "result"),
    [
        pytest.param((1, 2, 3), (1, 2, 3), "$2.00, as now", id="the same"),
        pytest.param((1, 2, 3), (1, 2, 4), "$2.00 → $2.00", id="another range"),
        pytest.param((1, 2, 3), (1, 5.5, 9), "$2.00 → $5.50 (**+$3.50**)", id="more"),
        pytest.param((1, 5.5, 9), (1, 2, 3), "$5.50 → $2.00 (**-$3.50**)", id="less"),
        pytest.param((1, None, 9), (1, 2, 3), "$1.00 to $9.00 → $2.00", id="a range before"),
        pytest.param(None, (1, None, 9), "nothing → $1.00 to $9.00", id="nothing before"),
    ],
)
def test_cost_now_and_then(
    now: tuple[float, float | None, float] | None, then: tuple[float, float | None, float], result: str
) -> None:
    """The expected cost where traffic is known, else the range; a difference only between two expectations."""

    def cost(values: tuple[float, float | None, float] | None) -> MonthlyCost | None:
        return None if values is None else MonthlyCost(low=values[0], expected=values[1], high=values[2])

    text = comment([StackPreview(stack="dev", cost=CostChange(now=cost(now), then=cost(then)))], ORIGIN)

    assert re.sub("</?span>", "", rows(text)[0][2]) == result


def test_two_hundred_resources_fit() -> None:
    """Stacks of 200 resources each: cut to GitHub's limit, each stack's line whole, and it says where the rest is."""
    previews = [golden_preview("many", f"stack-{i}") for i in range(9)]
    text = comment(previews, ORIGIN)

    assert len(text) <= LONGEST_BODY
    assert [row[1] for row in rows(text)] == ["**60 deleted**, 40 created, 60 updated"] * 9
    assert "✂️ Shortened to fit: the job summary has more." in text
    assert "more changes" in text
    assert len(comment(previews, ORIGIN, room=SUMMARY)) > LONGEST_BODY
    assert "Shortened" not in comment(previews, ORIGIN, room=SUMMARY)


@pytest.mark.parametrize("text", ["a", "🔥" * 50, "é`|<" * 30, "x" * 5000, "\u202e" * 300])
@pytest.mark.parametrize("entries", [1, 50, 3000])
def test_any_length_is_cut_in_characters_and_in_bytes(entries: int, text: str) -> None:
    """Pictures outside the first 65,536 code points count twice somewhere; no way of counting finds it too long."""
    review = comment([long_preview(entries, text)], ORIGIN)

    assert COMMENT.takes(review)
    assert len(review.encode("utf-16-le")) // 2 <= LONGEST_BODY
    assert len(review.encode()) <= 4 * LONGEST_BODY
    assert review.startswith(MARKER)
    assert f"**{entries} replaced**" in review


def test_five_hundred_stacks_still_have_a_summary() -> None:
    """Rows are left out last, and counted."""
    previews = [long_preview(3, "🔥`|" * 40).model_copy(update={"stack": f"s{i}" * 30}) for i in range(500)]
    preview = comment(previews, ORIGIN)

    assert COMMENT.takes(preview)
    assert re.search(r"\| and \d+ more stacks \|", preview)


@pytest.mark.parametrize("size", [6_000, 10_000, 15_000])
def test_less_room_means_less_detail_and_the_same_summary(size: int) -> None:
    """Only what is folded away is cut."""
    previews = [golden_preview(s) for s in ("many", "update", "drift", "replace", "crash")]
    whole, cut = comment(previews, ORIGIN), comment(previews, ORIGIN, room=Room(size, len, "the job summary"))

    assert len(cut) <= size < len(whole)
    assert cut.split("<details")[0].split("✂️")[0].strip() == whole.split("<details")[0].strip()


def test_where_it_comes_from_is_reported() -> None:
    """Commit and run; nothing where neither is known."""
    review = comment([golden_preview("create")], ORIGIN)

    assert "<sub>Preview of `0123456789ab` in [this run](https://github.com/team/endpoints/actions/runs/1)." in review
    assert "<sub>" not in comment([golden_preview("create")], Origin())
