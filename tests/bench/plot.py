"""The results as a picture: how many times better nngraph is, one line for each row, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from records import Results
from report import Line, lines

# Okabe and Ito 2008: told apart by every kind of eye.
COLORS = {
    "torch": "#d55e00", "torch.compile": "#e69f00", "jax": "#0072b2", "jax fori_loop": "#56b4e9",
    "jax donated": "#56b4e9", "scikit-learn": "#009e73", "micrograd": "#cc79a7",
}  # fmt: skip
MARKS = {"jax donated": "s"}
OTHER = "#555555"
ROW, SIDE, ENDS = 0.34, 7.4, 2.1
"""Inches: a row, a panel, what is above and below the rows."""
LEGEND, COLUMNS = 0.32, 4.5
"""Inches of one line of the legend, and how many words it has at most for each panel."""
BAR = 0.15
"""Half the height of a bar, in rows."""


def save(results: Results, path: Path) -> None:
    """Write the picture; the file's ending says which kind."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    threads = sorted({record["threads"] for record in results["records"]})
    tables = [[line for line in lines(results, count) if line.ratio is not None] for count in threads]
    names = list(dict.fromkeys(line.workload.name for table in tables for line in table))
    size = (SIDE * len(threads), ROW * len(names) + ENDS)
    figure, panels = plt.subplots(1, len(threads), figsize=size, sharey=True, squeeze=False)
    for panel, count, table in zip(panels[0], threads, tables):
        _draw(panel, names, table)
        panel.set_title("one thread" if count == 1 else f"{count} threads", fontsize=15)
    panels[0][0].set_yticks(range(len(names)), names, fontsize=13)
    peers = dict.fromkeys(line.peer for table in tables for line in table)
    handles = [
        plt.Line2D([], [], marker=MARKS.get(peer, "o"), linestyle="", markersize=9, color=COLORS.get(peer, OTHER))
        for peer in peers
    ]
    words = list(peers)
    for marks, said in (
        ({"marker": "o", "markerfacecolor": "white", "markeredgewidth": 2}, "less than wanted"),
        ({"marker": "|", "markersize": 13, "markeredgewidth": 3}, "at least wanted"),
        ({"marker": "d", "markerfacecolor": "white", "markersize": 7}, "aim"),
    ):
        handles.append(plt.Line2D([], [], linestyle="", color="black", **{"markersize": 9, **marks}))
        words.append(said)
    legend = -(-len(words) // int(COLUMNS * len(threads)))
    columns = -(-len(words) // legend)
    figure.legend(
        handles,
        words,
        loc="lower center",
        ncols=columns,
        frameon=False,
        fontsize=12,
        handletextpad=0.2,
        columnspacing=1.2,
    )
    figure.tight_layout(rect=(0, LEGEND * legend / size[1], 1, 1))
    # No date inside, so that the same results give the same file.
    figure.savefig(path, **({"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 150}))
    plt.close(figure)


def _draw(panel: Any, names: list[str], table: list[Line]) -> None:
    """A dot for each peer, one above the other, with a bar and a diamond for what is demanded."""
    from matplotlib.ticker import LogLocator, NullLocator

    for at in range(0, len(names), 2):
        panel.axhspan(at - 0.5, at + 0.5, color="#f3f3f3", linewidth=0, zorder=0)
    for at, name in enumerate(names):
        row = [line for line in table if line.workload.name == name]
        step = 0.8 / max(1, len(row))
        for number, line in enumerate(row):
            y = at + (number - (len(row) - 1) / 2) * step
            color = COLORS.get(line.peer, OTHER)
            if line.least is not None:
                panel.plot([line.least] * 2, [y - BAR, y + BAR], color=color, linewidth=3, zorder=2, solid_capstyle="butt")  # fmt: skip
                panel.plot([line.least, line.ratio], [y, y], color=color, linewidth=1, alpha=0.5, zorder=2)
            if line.aim is not None:
                panel.plot(line.aim, y, "d", color=color, markerfacecolor="white", markersize=5, zorder=2)
            panel.plot(
                line.ratio, y, MARKS.get(line.peer, "o"), color=color, zorder=3, markersize=7, markeredgewidth=2,
                markerfacecolor="white" if line.met == "no" else color,
            )  # fmt: skip
    panel.axvline(1, color="black", linewidth=1.2)
    panel.set_xscale("log")
    least, most = panel.get_xlim()
    # As many as there is room for.
    marks = (1, 2, 5) if most < 300 * least else (1, 3) if most < 5000 * least else (1,)
    panel.xaxis.set_major_locator(LogLocator(subs=marks, numticks=20))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.grid(axis="x", which="major", color="#cccccc", zorder=1)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}x")
    panel.tick_params(axis="x", labelsize=12)
    panel.tick_params(axis="y", length=0)
    panel.set_xlabel("times better than the peer", fontsize=13)
