"""Golden files: how a derivation looks, character by character.

To rewrite them after a change that was meant, and then to read the difference:
    NNGRAPH_GOLDEN=rewrite python -m pytest tests/autograd/symbolic/test_golden_derivations.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from nngraph.autograd.symbolic.derivation import Derivation

HERE = Path(__file__).parent

CASES: dict[str, tuple[Callable[[ModuleType], Derivation], Callable[[Derivation], str]]] = {
    "scalar.txt": (lambda made: made.scalar(), lambda d: d.text()),
    "scalar.ascii.txt": (lambda made: made.scalar(), lambda d: d.text(ascii=True)),
    "scalar.color.txt": (lambda made: made.scalar(), lambda d: d.text(color=True)),
    "scalar.narrow.txt": (lambda made: made.scalar(), lambda d: d.text(width=64)),
    "scalar.brief.txt": (lambda made: made.scalar(detail="brief"), lambda d: d.text()),
    "scalar.full.txt": (lambda made: made.scalar(detail="full"), lambda d: d.text()),
    "scalar.delta.txt": (lambda made: made.scalar("delta"), lambda d: d.text()),
    "scalar.bar.txt": (lambda made: made.scalar("bar"), lambda d: d.text()),
    "scalar.zh-TW.txt": (lambda made: made.scalar(), lambda d: d.text(language="zh-TW")),
    "scalar.failed.txt": (lambda made: made.failing(made.scalar(), "b2.a1"), lambda d: d.text()),
    "scalar.tex": (lambda made: made.scalar(), lambda d: d.latex()),
    "scalar.slide.tex": (lambda made: made.scalar(), lambda d: d.latex(standalone=False)),
    "scalar.md": (lambda made: made.scalar(), lambda d: d.markdown()),
    "scalar.json": (lambda made: made.scalar(), lambda d: d.json()),
    "matrix.txt": (lambda made: made.matrix(), lambda d: d.text()),
    "matrix.zh-CN.txt": (lambda made: made.matrix(), lambda d: d.text(language="zh-CN")),
    "matrix.tex": (lambda made: made.matrix(), lambda d: d.latex()),
    "matrix.slide.tex": (lambda made: made.matrix(), lambda d: d.latex(standalone=False)),
    "matrix.md": (lambda made: made.matrix(), lambda d: d.markdown()),
    "matrix.html": (lambda made: made.matrix(), lambda d: d.html()),
    "matrix.json": (lambda made: made.matrix(), lambda d: d.json()),
}


@pytest.mark.parametrize("name", CASES)
def test_as_before(name: str, made: ModuleType) -> None:
    make, write = CASES[name]
    written = write(make(made)).rstrip("\n") + "\n"
    path = HERE / "golden" / name
    if os.environ.get("NNGRAPH_GOLDEN") == "rewrite":
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in (HERE / "golden").iterdir()} == set(CASES)
