"""Draws a service's monthly cost against how busy one GPU is: serverless, reserved, and where they cross.

Needs matplotlib, the extra `plot`. Uses no global state of it, and no display.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from pulumi_runpod.planning.comparison import reserved
from pulumi_runpod.planning.cost import monthly_cost
from pulumi_runpod.planning.money import SECONDS_PER_DAY, always_on_per_month, plain, serverless_per_month, shown
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.service import ServicePlan
from pulumi_runpod.planning.traffic import Traffic

Theme = Literal["light", "dark"]
_POINTS = 120
_DEFAULT_SECONDS = Decimal(4)
"""Length of a request where the service says none: the straight line does not depend on it, the idle windows do."""


@dataclass(frozen=True)
class Colours:
    paper: str
    ink: str
    faint: str
    work: str
    expected: str
    reserved: str


# Blue, orange and green that stay apart for colour-blind readers (Okabe and Ito), lightened for the dark paper.
THEMES: dict[Theme, Colours] = {
    "light": Colours("#ffffff", "#1f2328", "#d0d7de", "#0072b2", "#d55e00", "#007a5a"),
    "dark": Colours("#0d1117", "#e6edf3", "#30363d", "#56b4e9", "#ffa657", "#3fb98f"),
}


@dataclass(frozen=True)
class Curves:
    """USD a month at each busy share (0 to 1) of one GPU."""

    utilisation: list[float]
    requests_per_day: list[float]
    work: list[float]
    expected: list[float]


def curves(plan: ServicePlan, prices: Prices) -> Curves:
    """The serverless side, on one worker's worth of load; storage is left out, for it costs the same on both."""
    seconds = plan.traffic.seconds_each if plan.traffic else _DEFAULT_SECONDS
    bare = plan.model_copy(update={"volumes": ()})
    # Closer together where little is asked: there the idle windows bend the curve.
    shares = [(Decimal(i) / _POINTS) ** 2 for i in range(1, _POINTS + 1)]
    requests = [share * SECONDS_PER_DAY / seconds for share in shares]
    work = [serverless_per_month(n, seconds, prices.serverless_per_hour) * plan.gpu_count for n in requests]
    expected = []
    for n in requests:
        if plan.traffic is None:
            traffic = Traffic(requests_per_day=n, seconds_each=seconds)
        else:
            traffic = plan.traffic.model_copy(update={"requests_per_day": n})
        cost = monthly_cost(bare.model_copy(update={"traffic": traffic}), prices)
        expected.append(cost.likely.exact)
    return Curves(
        [float(share) for share in shares],
        [float(n) for n in requests],
        [float(amount) for amount in work],
        [float(amount) for amount in expected],
    )


def draw(plan: ServicePlan, prices: Prices, *, file: Path, theme: Theme) -> None:
    """Writes `file`, PNG or SVG by its ending."""
    colours = THEMES[theme]
    style = {"font.family": "DejaVu Sans", "font.size": 10.5, "svg.fonttype": "none", "svg.hashsalt": plan.name}
    with rc_context(style):  # type: ignore[arg-type]  # matplotlib types the keys as literals
        figure = Figure(figsize=(8.4, 5.2), dpi=160, facecolor=colours.paper, layout="constrained")
        canvas = FigureCanvasSVG(figure) if file.suffix.lower() == ".svg" else FigureCanvasAgg(figure)
        axes = figure.add_subplot(facecolor=colours.paper)
        result = curves(plan, prices)
        _lines(axes, plan, prices, result, colours)
        _marks(axes, plan, prices, result, colours)
        _frame(axes, plan, prices, colours)
        figure.legend(loc="outside lower center", ncols=3, frameon=False, labelcolor=colours.ink)
        metadata = {"Date": None} if file.suffix.lower() == ".svg" else {}
        canvas.print_figure(str(file), facecolor=colours.paper, metadata=metadata)


def _lines(axes: Axes, plan: ServicePlan, prices: Prices, result: Curves, colours: Colours) -> None:
    axes.plot(
        result.utilisation,
        result.expected,
        color=colours.expected,
        linewidth=2.2,
        label="serverless, as set (expected)",
    )
    axes.plot(
        result.utilisation,
        result.work,
        color=colours.work,
        linewidth=2.2,
        linestyle=(0, (5, 2)),
        label="serverless, work alone",
    )
    if prices.reserved_per_hour is not None:
        month = float(always_on_per_month(prices.reserved_per_hour) * plan.gpu_count)
        axes.axhline(
            month, color=colours.reserved, linewidth=2.2, label=f"reserved, {shown(Decimal(str(month)))} a month"
        )


def _marks(axes: Axes, plan: ServicePlan, prices: Prices, result: Curves, colours: Colours) -> None:
    top = max(*result.expected, *result.work) * 1.12
    other = reserved(plan, prices)
    if other is not None:
        month = float(other.per_month / max(1, other.gpus // plan.gpu_count))
        top = max(top, month * 1.25)
        if other.crossover < 1:
            _mark(axes, float(other.crossover), month, f"crossover {float(other.crossover):.0%}", colours.work, colours)
        first = next((u for u, cost in zip(result.utilisation, result.expected, strict=True) if cost >= month), None)
        if first is not None and result.expected[0] < month:
            _mark(axes, first, month, f"as set {first:.0%}", colours.expected, colours)
    if plan.traffic is not None and plan.traffic.utilisation <= 1:
        share = float(plan.traffic.utilisation)
        axes.axvline(share, color=colours.ink, linewidth=1, linestyle=":", zorder=0)
        axes.annotate(
            f"declared: {plain(plan.traffic.requests_per_day)} a day",
            (share, top),
            xytext=(5, -14),
            textcoords="offset points",
            color=colours.ink,
            bbox=_box(colours),
        )
    axes.set_ylim(0, top)


def _mark(axes: Axes, x: float, y: float, text: str, colour: str, colours: Colours) -> None:
    axes.plot([x], [y], marker="o", markersize=7, color=colour, markeredgecolor=colours.paper, zorder=5)
    axes.annotate(text, (x, y), xytext=(9, -17), textcoords="offset points", color=colours.ink, bbox=_box(colours))


def _box(colours: Colours) -> dict[str, Any]:
    """Paper under a text, so that lines do not run through it."""
    return {"facecolor": colours.paper, "edgecolor": "none", "pad": 1.5, "alpha": 0.85}


def _frame(axes: Axes, plan: ServicePlan, prices: Prices, colours: Colours) -> None:
    seconds = float(plan.traffic.seconds_each if plan.traffic else _DEFAULT_SECONDS)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda usd, _: f"${usd:,.0f}"))
    axes.set_xlabel("busy share of one GPU over the day")
    axes.set_ylabel("USD a month")

    def requests(share: Any) -> Any:  # arrays of matplotlib's
        return share * SECONDS_PER_DAY / seconds

    def share_of(number: Any) -> Any:
        return number * seconds / SECONDS_PER_DAY

    above = axes.secondary_xaxis("top", functions=(requests, share_of))
    above.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    above.set_xlabel(f"requests a day of {seconds:g} s each")
    axes.set_title(
        f"{plan.name}: cost of a month ({prices.source})", loc="left", color=colours.ink, fontsize=12, pad=12
    )
    for each in (axes, above):
        each.tick_params(colors=colours.ink)
        each.xaxis.label.set_color(colours.ink)
        for spine in each.spines.values():
            spine.set_color(colours.faint)
    axes.yaxis.label.set_color(colours.ink)
    axes.spines["right"].set_visible(False)
    axes.grid(color=colours.faint, linewidth=0.6)
    axes.set_axisbelow(True)
