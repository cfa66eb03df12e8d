"""The results as a picture: how many times better nngraph is, one line for each row, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path

from report import Results, lines

COLORS = {"torch": "#d95f02", "jax": "#1b6ca8", "jax fori_loop": "#7fb3d5", "scikit-learn": "#7a9a01", "micrograd": "#7b4fa3", "torch.compile": "#8c5a2b"}  # fmt: skip


def save(results: Results, path: Path) -> None:
    """Write the picture; the file's ending says which kind."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    threads = sorted({record["threads"] for record in results["records"]})
    tables = [[line for line in lines(results, count) if line.ratio is not None] for count in threads]
    names = list(dict.fromkeys(line.workload.name for table in tables for line in table))
    figure, panels = plt.subplots(
        1, len(threads), figsize=(7.5 * len(threads), 0.42 * len(names) + 1.6), sharey=True, squeeze=False
    )
    for panel, count, table in zip(panels[0], threads, tables):
        for line in table:
            at = names.index(line.workload.name)
            color = COLORS.get(line.peer, "#555555")
            missed = line.met == "no"
            panel.plot(
                line.ratio, at, "o", color=color, markerfacecolor="white" if missed else color, markersize=8, zorder=3
            )
            if line.least is not None:
                panel.plot([line.least] * 2, [at - 0.32, at + 0.32], color=color, linewidth=2, zorder=2)
        panel.axvline(1, color="black", linewidth=1)
        panel.set_xscale("log")
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_yticks(range(len(names)), names)
        panel.grid(axis="x", which="major", color="#dddddd", zorder=0)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}x")
        panel.set_xlabel("times better than the peer (dot; hollow: less than wanted), at least wanted (bar)")
        panel.set_title("one thread" if count == 1 else f"{count} threads")
    peers = dict.fromkeys(line.peer for table in tables for line in table)
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=COLORS.get(peer, "#555555")) for peer in peers]
    figure.legend(handles, list(peers), loc="lower center", ncols=max(1, len(peers)), frameon=False)
    figure.tight_layout(rect=(0, 0.4 / figure.get_figheight(), 1, 1))
    # No date inside, so that the same results give the same file.
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
