"""One self-contained page: the picture with pan and zoom, and its steps on the arrow keys. It cannot reach any
network."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .drawing import Step
from .measure import FAMILIES, clean, typeset
from .svg import prefix_of, svg
from .themes import THEMES

if TYPE_CHECKING:
    from .drawing import Drawing

SCRIPT = Path(__file__).with_name("player.js")


def html(drawing: Drawing) -> str:
    """The page as text. Words are in the drawing's language; labels are escaped; the only script allowed is its own,
    by its hash."""
    theme = THEMES[drawing.theme]
    script = SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    steps = drawing.steps or tuple(
        Step(" ".join((*box.lines, box.detail)).strip(), (box.id,), "box") for box in drawing.boxes
    )
    data = {
        "prefix": prefix_of(drawing),
        "highlight": theme.highlight,
        "steps": [
            {"text": typeset(step.text), "boxes": [clean(name) for name in step.boxes], "uncovers": step.uncovers}
            for step in steps
        ],
        "arrows": [clean(arrow.target) for arrow in drawing.arrows],
    }
    packed = (
        json.dumps(data, ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    words = {name: escape(translate(said, drawing.language)) for name, said in WORDS.items()}
    title = escape(clean(drawing.title) or "nngraph")
    fonts = ", ".join(name if name == "sans-serif" else f"'{name}'" for name in FAMILIES)
    return f"""<!DOCTYPE html>
<html lang="{escape(drawing.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; background: {theme.background}; color: {theme.text}; font-family: {fonts}; }}
body {{ display: flex; flex-direction: column; }}
#sheet {{ flex: 1; min-height: 0; overflow: hidden; touch-action: none; cursor: grab; }}
#sheet svg {{ width: 100%; height: 100%; display: block; }}
#bar {{ display: flex; gap: 8px; align-items: center; padding: 8px 14px; border-top: 1px solid {theme.muted}55;
flex-wrap: wrap; }}
#bar button {{ font: inherit; font-size: 15px; color: inherit; background: transparent; border: 1px solid
{theme.muted}; border-radius: 7px; padding: 5px 12px; cursor: pointer; }}
#bar button:focus-visible {{ outline: 3px solid {theme.highlight}; }}
#count {{ color: {theme.muted}; min-width: 4.5em; }}
#said {{ flex-basis: 100%; min-height: 1.5em; font-size: 18px; }}
</style>
</head>
<body>
<div id="sheet">
{svg(drawing)}</div>
<div id="bar">
<button id="back" title="←">◀ {words["back"]}</button>
<button id="next" title="→">{words["next"]} ▶</button>
<button id="all" title="Home">{words["all"]}</button>
<button id="fit" title="0">{words["fit"]}</button>
<span id="count"></span>
<div id="said" aria-live="polite"></div>
</div>
<script type="application/json" id="data">{packed}</script>
<script>{script}</script>
</body>
</html>
"""


WORDS = {
    "back": N_("step back"),
    "next": N_("next step"),
    "all": N_("show all"),
    "fit": N_("fit to window"),
}
