"""Colors and shapes by what kind of thing a box is. No op is named here: a new op gets its look from its kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Style:
    """How a box looks: colors as #rrggbb, shape `round` (a rectangle), `op` (a circle when the label is short) or
    `circle`; `line` is how thick its border is, `dash` how that is broken."""

    fill: str
    stroke: str
    shape: str = "op"
    line: float = 1.5
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Theme:
    """All colors of a picture."""

    name: str
    background: str
    text: str
    muted: str
    value: str
    gradient: str
    highlight: str
    flow: str
    saved: str
    gradient_fill: str
    result_fill: str
    group_fills: tuple[tuple[str, str], ...]  # (part, #rrggbb)
    group_strokes: tuple[tuple[str, str], ...]
    styles: MappingProxyType[str, Style]

    def style(self, kind: str) -> Style:
        """The look of a kind; one that is not known is drawn as arithmetic."""
        return self.styles.get(kind, self.styles["arithmetic"])

    def group_fill(self, part: str) -> str:
        return dict(self.group_fills).get(part, self.group_fills[0][1])

    def group_stroke(self, part: str) -> str:
        return dict(self.group_strokes).get(part, self.group_strokes[0][1])


def _shape(kind: str) -> str:
    return "circle" if kind.startswith("neuron") else "round" if kind.startswith("leaf") or kind == "module" else "op"


def _styles(ops: dict[str, tuple[str, str]]) -> MappingProxyType[str, Style]:
    return MappingProxyType({kind: Style(fill, stroke, _shape(kind)) for kind, (fill, stroke) in ops.items()})


LIGHT = Theme(
    "light",
    "#ffffff",
    "#1d2129",
    "#5f6875",
    "#1a7338",
    "#b3261e",
    "#d9480f",
    "#454b54",
    "#7d889b",
    "#fff5f4",
    "#fde2e1",
    (("forward", "#f4f8fc"), ("backward", "#fef6f5"), ("inner-forward", "#e8f0f9"), ("inner-backward", "#fbe9e7")),
    (("forward", "#86aed6"), ("backward", "#dda09b"), ("inner-forward", "#86aed6"), ("inner-backward", "#dda09b")),
    _styles(
        {
            "leaf-input": ("#e3effb", "#2b6cb0"),
            "leaf-parameter": ("#fdf1d3", "#b7791f"),
            "leaf-frozen": ("#eaf6fb", "#4f93ad"),
            "leaf-constant": ("#eff0f2", "#7b828c"),
            "leaf-state": ("#e9e4f7", "#6b54b8"),
            "arithmetic": ("#ffffff", "#3c434d"),
            "function": ("#f0f5e4", "#5d7a2c"),
            "activation": ("#e2f5ea", "#24804a"),
            "comparison": ("#f3f0e6", "#7d7135"),
            "reduction": ("#e6f4f6", "#1f7885"),
            "shape": ("#f1f1f4", "#717988"),
            "linear": ("#e7ebfb", "#3f56b5"),
            "loss": ("#fbe6ef", "#b03069"),
            "random": ("#f6e9f8", "#8d3f9c"),
            "control": ("#eceff3", "#46566b"),
            "module": ("#eef3fa", "#3b6ea5"),
            "neuron": ("#ffffff", "#3c434d"),
            "neuron-input": ("#e3effb", "#2b6cb0"),
            "neuron-gap": ("#ffffff", "#ffffff"),
        }
    ),
)

DARK = Theme(
    "dark",
    "#16191f",
    "#eceff4",
    "#a4adba",
    "#7fd69b",
    "#ff9d94",
    "#ffb454",
    "#c3cad5",
    "#8390a5",
    "#32201f",
    "#4a2625",
    (("forward", "#1a2029"), ("backward", "#241b1c"), ("inner-forward", "#212a37"), ("inner-backward", "#302223")),
    (("forward", "#47648a"), ("backward", "#86504c"), ("inner-forward", "#47648a"), ("inner-backward", "#86504c")),
    _styles(
        {
            "leaf-input": ("#1c3553", "#6aa5e3"),
            "leaf-parameter": ("#473710", "#e0b04a"),
            "leaf-frozen": ("#16343f", "#7fc4dd"),
            "leaf-constant": ("#2d3138", "#98a0ac"),
            "leaf-state": ("#342c57", "#a793ee"),
            "arithmetic": ("#242933", "#c3cad5"),
            "function": ("#2d371c", "#a9c572"),
            "activation": ("#17402a", "#62c88b"),
            "comparison": ("#3b371f", "#c9bb6d"),
            "reduction": ("#143c43", "#5fc0cd"),
            "shape": ("#2c303a", "#9aa3b2"),
            "linear": ("#262f5c", "#8fa2f2"),
            "loss": ("#4c2036", "#ee84b2"),
            "random": ("#3f2546", "#cd8bdb"),
            "control": ("#29323e", "#93a5bd"),
            "module": ("#22303f", "#76a7da"),
            "neuron": ("#242933", "#c3cad5"),
            "neuron-input": ("#1c3553", "#6aa5e3"),
            "neuron-gap": ("#16191f", "#16191f"),
        }
    ),
)

# For a printer without color: shapes (leaves square, ops round), grays and borders carry the kind, lines the direction.
GRAYS: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "leaf-input": ("#ffffff", 1.5, ()),
    "leaf-parameter": ("#e6e6e6", 1.5, ()),
    "leaf-frozen": ("#e6e6e6", 1.5, (1.5, 2.0)),
    "leaf-constant": ("#ffffff", 1.3, (1.5, 2.0)),
    "leaf-state": ("#d0d0d0", 1.5, (8.0, 2.0)),
    "module": ("#ffffff", 2.8, ()),
    "arithmetic": ("#ffffff", 1.3, ()),
    "function": ("#ffffff", 1.3, (7.0, 2.0)),
    "activation": ("#dcdcdc", 1.3, ()),
    "comparison": ("#ffffff", 1.3, (1.5, 2.0)),
    "reduction": ("#dcdcdc", 1.3, (7.0, 2.0)),
    "shape": ("#f2f2f2", 0.7, ()),
    "linear": ("#ffffff", 2.8, ()),
    "loss": ("#c4c4c4", 2.8, ()),
    "random": ("#dcdcdc", 1.3, (1.5, 2.0)),
    "control": ("#f2f2f2", 2.2, (7.0, 2.0)),
}
PRINT = replace(
    LIGHT,
    name="print",
    text="#000000",
    muted="#333333",
    value="#000000",
    gradient="#000000",
    highlight="#000000",
    flow="#000000",
    saved="#555555",
    gradient_fill="#ffffff",
    result_fill="#e6e6e6",
    group_fills=(
        ("forward", "#ffffff"),
        ("backward", "#ffffff"),
        ("inner-forward", "#ffffff"),
        ("inner-backward", "#ffffff"),
    ),
    group_strokes=(
        ("forward", "#777777"),
        ("backward", "#777777"),
        ("inner-forward", "#777777"),
        ("inner-backward", "#777777"),
    ),
    styles=MappingProxyType(
        {
            kind: replace(
                style,
                fill=GRAYS[kind][0] if kind in GRAYS else "#ffffff",
                stroke="#ffffff" if kind == "neuron-gap" else "#000000",
                line=GRAYS[kind][1] if kind in GRAYS else style.line,
                dash=GRAYS[kind][2] if kind in GRAYS else (),
            )
            for kind, style in LIGHT.styles.items()
        }
    ),
)

THEMES = MappingProxyType({theme.name: theme for theme in (LIGHT, DARK, PRINT)})
