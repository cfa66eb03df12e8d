"""Golden files: how a derivation looks, character by character.

To rewrite them after a change that was meant, and then to read the difference:
    NNGRAPH_GOLDEN=rewrite python -m pytest tests/autograd/symbolic/test_golden_derivations.py
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nngraph.autograd.symbolic.derivation import Derivation

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("nngraph_test_derivations", HERE / "derivations.py")
assert spec is not None
assert spec.loader is not None
made: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)

CASES: dict[str, tuple[Callable[[], Derivation], Callable[[Derivation], str]]] = {
    "scalar.txt": (made.scalar, lambda d: d.text()),
    "scalar.ascii.txt": (made.scalar, lambda d: d.text(ascii=True)),
    "scalar.color.txt": (made.scalar, lambda d: d.text(color=True)),
    "scalar.narrow.txt": (made.scalar, lambda d: d.text(width=64)),
    "scalar.brief.txt": (lambda: made.scalar(detail="brief"), lambda d: d.text()),
    "scalar.full.txt": (lambda: made.scalar(detail="full"), lambda d: d.text()),
    "scalar.delta.txt": (lambda: made.scalar("delta"), lambda d: d.text()),
    "scalar.bar.txt": (lambda: made.scalar("bar"), lambda d: d.text()),
    "scalar.zh-TW.txt": (made.scalar, lambda d: d.text(language="zh-TW")),
    "scalar.failed.txt": (lambda: made.failing(made.scalar(), "b2.a1"), lambda d: d.text()),
    "scalar.tex": (made.scalar, lambda d: d.latex()),
    "scalar.slide.tex": (made.scalar, lambda d: d.latex(standalone=False)),
    "scalar.md": (made.scalar, lambda d: d.markdown()),
    "scalar.json": (made.scalar, lambda d: d.json()),
    "matrix.txt": (made.matrix, lambda d: d.text()),
    "matrix.zh-CN.txt": (made.matrix, lambda d: d.text(language="zh-CN")),
    "matrix.tex": (made.matrix, lambda d: d.latex()),
    "matrix.slide.tex": (made.matrix, lambda d: d.latex(standalone=False)),
    "matrix.md": (made.matrix, lambda d: d.markdown()),
    "matrix.html": (made.matrix, lambda d: d.html()),
    "matrix.json": (made.matrix, lambda d: d.json()),
}


@pytest.mark.parametrize("name", CASES)
def test_as_before(name: str) -> None:
    make, write = CASES[name]
    written = write(make()).rstrip("\n") + "\n"
    path = HERE / "golden" / name
    if os.environ.get("NNGRAPH_GOLDEN") == "rewrite":
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in (HERE / "golden").iterdir()} == set(CASES)
