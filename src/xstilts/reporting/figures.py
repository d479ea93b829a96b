"""The figures, as SVG text that scales, names itself to screen readers and comes out equal byte for byte.

Lengths are in points; a figure is as wide as a phone's screen, so that its text stays readable there.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from itertools import cycle
from typing import Any

from xstilts.reporting.views import asked, languages_sorted, ranked
from xstilts.reporting.words import distance, gain, measure_words, number, points, spaced

Row = Mapping[str, Any]
WIDTH = 5.0  # inches
INK, MUTED, GRID, BAR = "#1b1f24", "#57606a", "#d8dee4", "#d0d7de"
STYLES = (  # Okabe and Ito's colours that hold 3:1 on white; the marker tells them apart without colour
    ("#0072b2", "o"), ("#c44e00", "s"), ("#00785a", "^"), ("#a0487d", "D"), ("#6b5b00", "v"), ("#444444", "P"),
)  # fmt: skip
CONTROL = ("#57606a", "X")
SETTINGS = {
    "svg.hashsalt": "xstilts", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 9.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": True,
}  # fmt: skip


@contextmanager
def _axes(height: float) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes, without pyplot's global state."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "agg"}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots()


def _svg(figure: Any, *, name: str, title: str, description: str) -> str:
    """The figure as one ``svg`` element, its ids beginning with ``name`` so that a page can hold several."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"('DejaVu Sans'|\"DejaVu Sans\"|&quot;DejaVu Sans&quot;)[^;\"]*", "system-ui, sans-serif", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    box = re.search(r'viewBox="([^"]+)"', text)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box.group(1) if box else ""}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" stroke-linejoin="round">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return head + text[text.index(">") + 1 :].rstrip() + "\n"


def block_styles(arms: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each block, in order of their names; controls look alike."""
    blocks = sorted({str(arm["block"]) for arm in arms if arm["kind"] != "control"})
    styles = dict(zip(blocks, cycle(STYLES), strict=False))
    return {**styles, **{str(arm["block"]): CONTROL for arm in arms if str(arm["block"]) not in styles}}


def _ends(question: Row) -> dict[str, tuple[float, float]]:
    """Where the fitted line begins and ends, when it is the line of this target alone."""
    if len(question["targets"]) != 1:
        return {}
    ends = {key: question.get(f"{key}_gain") or {} for key in ("matched", "far")}
    found = {key: (number(end.get("divergence")), number(end.get("estimate"))) for key, end in ends.items()}
    return {key: (x, y) for key, (x, y) in found.items() if x is not None and y is not None}


def _line(axes: Any, real: Sequence[Row], question: Row, colour: str) -> None:
    """The fitted line and the interval of its slope, pivoted at the mean divergence of the question's arms."""
    slope = question.get("slope") or {}
    tilt = number(slope.get("estimate"))
    if tilt is None or not real:
        return
    ends, apart = _ends(question), [arm["divergence"] for arm in real]
    middle, level = sum(apart) / len(apart), sum(arm["gain"] for arm in real) / len(apart)
    if "matched" in ends:
        level = ends["matched"][1] + tilt * (middle - ends["matched"][0])
    reach = [x for x, _ in ends.values()] + apart
    xs = [min(reach), middle, max(reach)]
    low, high = number(slope.get("low")), number(slope.get("high"))
    if low is not None and high is not None:
        sides = [[level + side * (x - middle) for x in xs] for side in (low, high)]
        axes.fill_between(xs, *sides, color=colour, alpha=0.09, linewidth=0, zorder=1)
    axes.plot(xs, [level + tilt * (x - middle) for x in xs], color=colour, linewidth=1.6, zorder=2)


def _oracles(axes: Any, target: str, questions: Sequence[tuple[Row, str]]) -> None:
    """What a reader who counts cues would gain, where the answer was planted: on an axis of its own, at the right.

    Its zero is that of the gains, and its largest gain stands as high as theirs.
    """
    curves = [(_oracle(question, target), colour) for question, colour in questions]
    gains = [gain for curve, _ in curves for _, gain in curve]
    low, high = axes.get_ylim()
    if not gains or high <= 0:
        return
    scale = max(1.0, 1.1 * max(gains) / high, 1.1 * min(gains) / min(low, -0.1 * high))
    right = axes.twinx()
    right.set_ylim(low * scale, high * scale)
    right.set_ylabel("planted: gain in English of a reader who counts")
    right.spines["right"].set_visible(True)
    style = {"linewidth": 1.1, "linestyle": (0, (4, 3)), "marker": ".", "markersize": 4}
    for curve, colour in curves:
        if curve:
            right.plot(*zip(*curve, strict=True), color=colour, zorder=2, **style)
    axes.plot([], [], color=MUTED, label="planted", **style)
    axes.set(zorder=right.get_zorder() + 1)
    axes.patch.set_visible(False)


def _oracle(question: Row, target: str) -> list[tuple[float, float]]:
    points = (question.get("planted") or {}).get("oracle", ())
    return sorted((point["divergence"], point["gain"]) for point in points if point["target"] == target)


def _mark_ends(axes: Any, question: Row) -> None:
    """The gain at the near and the far end, with its interval."""
    for key, (x, y) in _ends(question).items():
        end = question[f"{key}_gain"]
        low, high = number(end.get("low")), number(end.get("high"))
        if low is not None and high is not None:
            axes.vlines(x, low, high, color=INK, linewidth=1.1, zorder=3)
        axes.plot([x], [y], marker="_", markersize=11, markeredgewidth=2, color=INK, zorder=3)
        axes.annotate(f"{key} {gain(y)}", (x, y if high is None else high), (0, 4), textcoords="offset points",
                      ha="center", va="bottom", fontsize=9, fontweight="bold", zorder=5)  # fmt: skip


def _fits(box: Any, frame: Any, taken: Sequence[Any], dots: Sequence[Any]) -> bool:
    inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    clear = not any(box.x0 - 4 < x < box.x1 + 4 and box.y0 - 4 < y < box.y1 + 4 for x, y in dots)
    return inside and clear and not any(box.overlaps(other) for other in taken)


def _place_labels(figure: Any, axes: Any, arms: Mapping[int, Row]) -> None:
    """Name each arm where there is room, else give its rank where there is room for that."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    renderer, frame = figure.canvas.get_renderer(), axes.get_window_extent()
    taken = [text.get_window_extent(renderer) for text in axes.texts]
    dots = [axes.transData.transform((arm["divergence"], arm["gain"])) for arm in arms.values()]
    spots = ((7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 6, "center", "bottom"), (0, -6, "center", "top"))
    for rank, arm in arms.items():
        for words, (x, y, across, up) in ((words, spot) for words in (str(arm["arm"]), str(rank)) for spot in spots):
            text = axes.annotate(words, (arm["divergence"], arm["gain"]), (x, y), textcoords="offset points",
                                 ha=across, va=up, fontsize=8.5, zorder=5, parse_math=False)  # fmt: skip
            box = text.get_window_extent(renderer)
            if _fits(box, frame, taken, dots):
                taken.append(box)
                break
            text.remove()


def _dots(axes: Any, arms: Mapping[int, Row], styles: Mapping[str, tuple[str, str]]) -> None:
    """Arms as large markers, their seeds as small dots, and the legend of the blocks."""
    for block, (colour, marker) in styles.items():
        own = [arm for arm in arms.values() if str(arm["block"]) == block]
        seeds = [(arm["divergence"], seed["gain"]) for arm in own for seed in arm.get("seeds") or ()]
        if seeds:
            axes.scatter(*zip(*seeds, strict=True), s=6, color=colour, alpha=0.45, linewidths=0, zorder=3.5)
        if own:
            xs, ys = [arm["divergence"] for arm in own], [arm["gain"] for arm in own]
            axes.scatter(xs, ys, s=42, color=colour, marker=marker, edgecolors="white", linewidths=0.8, zorder=4,
                         label=block.replace("$", r"\$"))  # fmt: skip


def gain_figure(target_name: str, target: Row, questions: Sequence[Row], *, name: str) -> str:
    """Gain against divergence for one target: arms, seeds, fitted lines with intervals, zero and noise floor.

    Args:
        target_name: as in the analysis.
        target: its entry in the analysis; arms without a gain or a divergence are left out.
        questions: those that the target serves; each slope is drawn through the mean of the arms it is about, and
            what was planted beside it.
        name: begins every id inside the element.

    Returns:
        One ``svg`` element, or nothing when no arm can be drawn.
    """
    arms = {
        rank: {**arm, "divergence": number(arm["divergence"]), "gain": number(arm["gain"])}
        for rank, arm in enumerate(ranked(target["arms"]), 1)
        if number(arm["divergence"]) is not None and number(arm["gain"]) is not None
    }
    if not arms:
        return ""
    drawn = list(arms.values())
    floors = [floor for arm in drawn if (floor := number(arm.get("floor"))) is not None]
    measure = measure_words(next((question["measure"] for question in questions), "divergence"))
    with _axes(3.9) as (figure, axes):
        axes.axhline(0, color=MUTED, linewidth=1, zorder=1)
        if floors:
            floor = sum(floors) / len(floors)
            axes.axvline(floor, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
            axes.annotate("noise floor", (floor, 0), (3, 3), xycoords=("data", "axes fraction"), rotation=90,
                          textcoords="offset points", ha="left", va="bottom", fontsize=8.5, color=MUTED)  # fmt: skip
        styles = block_styles(drawn)
        colours: list[tuple[Row, str]] = []
        for question in questions:
            real = [arm for arm in drawn if asked(question, arm)]
            colour = styles[str(real[0]["block"])][0] if real and len(questions) > 1 else INK
            _line(axes, real, question, colour)
            colours.append((question, colour))
            _mark_ends(axes, question)
        _dots(axes, arms, styles)
        axes.margins(0.09)
        _oracles(axes, target_name, colours)
        axes.set_xlabel(f"{measure} to the target's English text")
        axes.set_ylabel("gain over none (points, other languages)")
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9, handletextpad=0.2)
        _place_labels(figure, axes, arms)
        told = "; ".join(f"{arm['arm']} {gain(arm['gain'])} at {distance(arm['divergence'])}" for arm in drawn)
        return _svg(figure, name=name, title=f"Gain against divergence, {target_name}",
                    description=f"Gain in points at each arm's divergence: {told}.")  # fmt: skip


def language_figure(target_name: str, target: Row, *, name: str) -> str:
    """Majority label, ``none`` and the mean of the arms for each language; English apart at the top.

    Args:
        target_name: as in the analysis.
        target: its entry in the analysis.
        name: begins every id inside the element.

    Returns:
        One ``svg`` element, or nothing when there is no language.
    """
    rows = languages_sorted(target)
    if not rows:
        return ""
    apart = 0.6 if rows[0]["language"] == "en" and len(rows) > 1 else 0.0
    places = [-index - (apart if index else 0.0) for index in range(len(rows))]
    with _axes(1.1 + 0.215 * (len(rows) + apart)) as (figure, axes):
        majority = [number(row.get("majority")) or 0.0 for row in rows]
        axes.barh(places, majority, height=0.62, color=BAR, zorder=1, label="majority label")
        for place, row in zip(places, rows, strict=True):
            _language_row(axes, place, number(row.get("none")), number(row.get("gain")))
        axes.set_yticks(places, [row["language"] for row in rows])
        axes.set(xlim=(0, 100), ylim=(places[-1] - 0.7, 0.7), xlabel=f"{spaced(target['metric'])} (percent)")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        handles, labels = axes.get_legend_handles_labels()
        once = dict(zip(labels, handles, strict=True))
        figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=3, frameon=False, fontsize=9)
        told = "; ".join(f"{row['language']} {points(row.get('none'))}, gain {gain(row.get('gain'))}" for row in rows)
        return _svg(figure, name=name, title=f"Scores by language, {target_name}",
                    description=f"Score of none, and mean gain of the arms: {told}.")  # fmt: skip


def _language_row(axes: Any, place: float, none: float | None, change: float | None) -> None:
    """One language: an open dot for ``none``, a diamond for the mean of the arms, the gain at the right."""
    blue = STYLES[0][0]
    axes.annotate("\N{EN DASH}" if change is None else gain(change), (1.01, place), annotation_clip=False, va="center",
                  xycoords=("axes fraction", "data"), fontsize=8.5)  # fmt: skip
    if none is None:
        return
    axes.plot([none], [place], marker="o", markersize=6, markerfacecolor="white", markeredgewidth=1.4,
              markeredgecolor=INK, linestyle="", zorder=3, label="none")  # fmt: skip
    if change is not None:
        axes.plot([none, none + change], [place, place], color=blue, linewidth=1.6, zorder=2)
        axes.plot([none + change], [place], marker="D", markersize=4.5, color=blue, linestyle="", zorder=4,
                  label="mean of the arms")  # fmt: skip
