"""Kernels as a page: sides in columns where there is room, tables of blocks and threads in colors. It reaches no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from ..language import N_, current_language, translate
from ..language import language as spoken
from .sides import (
    Side,
    arguments,
    block_table,
    blocks_title,
    broken,
    corner_cut,
    corner_rows,
    corner_title,
    example,
    how_found,
    launch,
    sides,
    title,
    together,
)  # fmt: skip

if TYPE_CHECKING:
    from . import Kernel, Kernels
    from .threads import Lay

WIDTH = 84
COLORS = 8
"""Threads side by side have different colors, of which there are so many."""
STYLE = """
.nngraph-kernel { font-family: system-ui, 'Noto Sans', 'Noto Sans TC', 'Noto Sans SC', 'PingFang TC', 'Microsoft JhengHei', sans-serif;
line-height: 1.5; color: #1d2433; background: #ffffff; padding: 4px 2px 24px; }
.nngraph-kernel h2 { font-size: 1.25rem; margin: 1.2em 0 .2em; border-bottom: 2px solid #3b5bdb; }
.nngraph-kernel h3 { font-size: 1rem; margin: 0; color: #3b5bdb; }
.nngraph-kernel p { margin: .15em 0 .4em; }
.nngraph-kernel .sides { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 12px; align-items: start; margin-bottom: 8px; }
@media (max-width: 900px) { .nngraph-kernel .sides { grid-template-columns: minmax(0, 1fr); } }
.nngraph-kernel section { border: 1px solid #d5dae6; border-radius: 8px; padding: 10px 12px; min-width: 0; }
.nngraph-kernel pre { margin: 0; overflow: auto; max-height: 34rem; font: 13px/1.45 ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
background: #f5f7fb; border-radius: 6px; padding: 8px 10px; color: #1d2433; }
.nngraph-kernel .lays { display: flex; flex-wrap: wrap; gap: 28px; align-items: flex-start; margin-top: .6em; overflow-x: auto; }
.nngraph-kernel table { border-collapse: collapse; font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
.nngraph-kernel caption { text-align: left; font: 600 14px system-ui, sans-serif; padding-bottom: 4px; white-space: nowrap; }
.nngraph-kernel th { font-weight: 400; color: #667089; padding: 2px 6px; text-align: right; }
.nngraph-kernel td { border: 1px solid #ffffff; min-width: 1.8em; padding: 2px 5px; text-align: center; color: #1d2433; }
.nngraph-kernel .blocks td { border: 2px solid #3b5bdb; padding: 8px 14px; background: #edf2ff; }
.nngraph-kernel td.more { border: 0; background: none; color: #667089; }
.nngraph-kernel .t0 { background: #a5d8ff; } .nngraph-kernel .t1 { background: #ffd8a8; } .nngraph-kernel .t2 { background: #b2f2bb; }
.nngraph-kernel .t3 { background: #fcc2d7; } .nngraph-kernel .t4 { background: #d0bfff; } .nngraph-kernel .t5 { background: #ffec99; }
.nngraph-kernel .t6 { background: #99e9f2; } .nngraph-kernel .t7 { background: #dee2e6; } .nngraph-kernel .none { background: #ffffff; color: #667089; }
.nngraph-kernel .first { outline: 2px solid #1d2433; outline-offset: -2px; font-weight: 700; }
@media print { .nngraph-kernel .sides { grid-template-columns: minmax(0, 1fr); } .nngraph-kernel section { border-color: #999; }
.nngraph-kernel pre { max-height: none; overflow: visible; white-space: pre-wrap; font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.nngraph-kernel td { print-color-adjust: exact; -webkit-print-color-adjust: exact; } .nngraph-kernel tr, .nngraph-kernel h2, .nngraph-kernel h3 { break-inside: avoid; break-after: auto; }
.nngraph-kernel h2, .nngraph-kernel h3 { break-after: avoid; } .nngraph-kernel .lays { overflow: visible; } }
@media (max-width: 600px) { .nngraph-kernel pre { white-space: pre-wrap; overflow-wrap: anywhere; } }
.nngraph-kernel .small { color: #667089; font-size: .9rem; }
"""


def page(kernels: Kernels, exact: bool = False, language: str | None = None) -> str:
    """The whole page."""
    with spoken(current_language() if language is None else language):
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        head = escape(translate(N_("Kernels of the engine {engine}"), engine=kernels.engine))
        return (
            f'<!DOCTYPE html>\n<html lang="{current_language()}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{head}</title>\n</head>\n<body>\n{inside(kernels, exact)}</body>\n</html>\n"
        )


def inside(kernels: Kernels, exact: bool = False) -> str:
    """What stands in the page, to be put into another one, such as a notebook."""
    body = "\n".join(line for each in kernels for line in _kernel(each, exact))
    return f'<style>{STYLE}</style>\n<div class="nngraph-kernel">\n{body}\n</div>\n'


def _kernel(kernel: Kernel, exact: bool) -> Iterator[str]:
    yield f"<h2>{escape(title(kernel))}</h2>"
    if sentence := together(kernel):
        yield f"<p>{escape(sentence)}</p>"
    yield f'<div class="sides">{"".join(map(_side, sides(kernel, exact)))}</div>'
    if kernel.fallback:
        return
    yield f'<p class="small">{"<br>".join(map(escape, arguments(kernel, exact)))}</p>'
    yield f"<section><h3>{escape(translate(N_('Threads and blocks')))}</h3>"
    yield "".join(f"<p>{escape(line)}</p>" for line in launch(kernel))
    if kernel.lay is not None:
        yield from _lay(kernel.lay)
    yield "</section>"


def _side(side: Side) -> str:
    code = escape("\n".join(broken(side.lines, WIDTH)))
    return f'<section><h3>{escape(side.title)}</h3><p>{escape(side.sentence)}</p><pre>{code}</pre></section>'


def _lay(lay: Lay) -> Iterator[str]:
    yield "".join(f"<p>{escape(example(each, lay))}</p>" for each in lay.examples)
    yield '<div class="lays">'
    if len(lay.starts) > 1:
        yield _blocks(lay)
    yield _corner(lay)
    framed = escape(translate(N_("In bold frames: what thread 0 has.")))
    yield f'</div><p class="small">{framed}<br>{escape(how_found())}</p>'


def _blocks(lay: Lay) -> str:
    rows, columns, names, below, beside = block_table(lay)
    head = "<tr><th></th>" + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
    lines = [
        f"<tr><th>{row}</th>"
        + "".join(f"<td>{escape(names.get((row, column), ''))}</td>" for column in columns)
        + '<td class="more">…</td>' * beside
        + "</tr>"
        for row in rows
    ]
    more = '<tr><th></th><td class="more">…</td></tr>' * below
    return f'<table class="blocks"><caption>{escape(blocks_title(lay))}</caption>{head}{"".join(lines)}{more}</table>'


def _corner(lay: Lay) -> str:
    below, beside = corner_cut(lay)
    count = len(lay.corner[0]) if lay.corner else 0
    head = "<tr><th></th>" + "".join(f"<th>{column}</th>" for column in range(count)) + "</tr>"
    lines = [
        f"<tr><th>{label}</th>" + "".join(map(_thread, row)) + '<td class="more">…</td>' * beside + "</tr>"
        for label, row in zip(corner_rows(lay), lay.corner)
    ]
    more = '<tr><th></th><td class="more">…</td></tr>' * below
    return f'<table><caption>{escape(corner_title(lay))}</caption>{head}{"".join(lines)}{more}</table>'


def _thread(thread: int | None) -> str:
    if thread is None:
        return '<td class="none">·</td>'
    return f'<td class="t{thread % COLORS}{" first" * (thread == 0)}">{thread}</td>'
