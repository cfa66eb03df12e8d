"""`nngraph nets`: the systems of the course, by family."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "nets"
EXAMPLES = ("nngraph nets", "nngraph nets RBM", "nngraph nets pooling", "nngraph nets --json")


def HELP() -> str:
    return _("List the networks, layers, optimizers and data sets there are, by family, or tell what is said of one.")


def run(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=_("One of them, or a family or a word of what it is; without it all are listed."), show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print a line for each system under the heading of its family; or the description of one."""
    from ...autograd.errors import ParameterError
    from ...nets.systems import about, call, docstring, system, systems
    from .. import show

    lectures = _lectures()
    alone = name is not None
    try:
        chosen = systems() if name is None else [system(name)]
    except ParameterError:
        alone = False
        chosen = about(name or "")
        if not chosen:
            raise
    told = [
        {"name": each.name, "family": _(each.family), "what": _(each.what, None, **each.fields), "file": each.path, "lecture": _lecture(each, lectures)}
        for each in chosen
    ]  # fmt: skip
    if as_json:
        import json

        for record, each in zip(told, chosen, strict=True):
            if alone:
                record |= {"call": call(each), "description": docstring(each)}
        show.out(json.dumps({"version": 1, "nets": told}, ensure_ascii=not show.can_print("中文∂"), indent=2))
        return 0
    colored = show.wants_color(color.value)
    if alone:
        show.out(_one(call(chosen[0]), told[0], docstring(chosen[0])))
        return 0
    blocks = []
    for family in dict.fromkeys(record["family"] for record in told):
        rows = [record for record in told if record["family"] == family]
        with_lectures = any(record["lecture"] for record in rows)
        columns = [str(family), _("what it is"), *([_("lecture")] if with_lectures else [])]
        lines = [[record["name"], record["what"], *([record["lecture"] or ""] if with_lectures else [])] for record in rows]
        blocks.append(show.table(columns, lines, colored).strip("\n"))
    show.out("\n\n".join(blocks))
    return 0


def _one(call: str, record: dict[str, Any], description: str) -> str:
    from ...autograd.language import current_language
    from ...autograd.symbolic.cells import wrapped
    from .. import show

    head = "\n    ".join(wrapped(call, show.width() - 4))
    told = [description]
    if current_language() != "en" and description != record["what"]:
        # The rest is written in one language only, which is said rather than found out.
        told = ["\n".join(wrapped(record["what"], show.width())), _("What follows is in English only."), description]
    places = [("family", record["family"]), ("file", record["file"]), ("lecture", record["lecture"])]
    said = [_("{topic}: {remark}", topic=_(topic), remark=remark) for topic, remark in places if remark]
    return "\n\n".join([head, *told, "\n".join(said)])


def _lectures() -> dict[str, str]:
    """The lectures of the clone and their source."""
    folder = Path(__file__).parents[2] / "examples" / "lectures"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("[0-9]*.py"))}


def _lecture(system: Any, lectures: dict[str, str]) -> str | None:
    """The lecture about a system: the one named after it, else the one that names it most often."""
    name = system.name.rpartition(".")[2] if system.place == "scikit-learn" else system.full_name
    used = re.compile(rf"(?<![\w.])(?:ng\.)?{re.escape(name)}\b".replace(r"nets\.data\.", r"(?:nets\.)?data\.").replace(r"nets\.estimators\.", r"(?:nets\.)?estimators\."))
    counts = {file: len(used.findall(source)) for file, source in lectures.items()}
    own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", system.name.rpartition(".")[2]).lower()
    ranks = {file: (own in file, count) for file, count in counts.items() if count}
    return max(ranks, key=lambda file: ranks[file]) if ranks else None
