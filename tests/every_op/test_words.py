"""Every op can be told of and drawn: its words, its notation, its derivation and its picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import nngraph as ng
from nngraph.autograd.language import FIELD, translate
from nngraph.autograd.op import CONTROL, KINDS, Op, document, signature
from nngraph.autograd.symbolic import explain

from .cases import (
    CUT_ON_PURPOSE,
    case_of,
    every_declaration,
    every_op,
    floats_of,
    generator_of,
    is_balanced,
    is_smooth,
    projected,
)  # fmt: skip


@every_declaration
def test_words_speak_of_the_inputs_by_name(op: Op) -> None:
    fields = {name: f"<{name}>" for name in (*op.inputs, *op.params)}
    assert set(FIELD.findall(op.words)) <= set(fields), f"{op.name}: a field that is neither input nor param"
    spoken = translate(op.words, None, **fields)
    assert "{" not in FIELD.sub("", spoken)
    if not op.variadic:  # "the operands" says it as well
        assert all(f"<{name}>" in spoken for name in op.inputs), f"{op.name}: words do not mention every input"
    assert not op.words.endswith(".")
    for language in ("zh-TW", "zh-CN"):
        assert set(FIELD.findall(translate(op.words, language))) == set(FIELD.findall(op.words))


@every_declaration
def test_declaration_is_complete(op: Op) -> None:
    assert len(op.why.split()) >= 5, f"{op.name}: why is no sentence"
    assert op.kind in KINDS
    assert op.examples or op.kind == CONTROL
    assert all(isinstance(pitfall, str) and pitfall for pitfall in op.pitfalls)
    meanings = [op.scalar, op.formula, op.index, op.shape]
    assert sum(each is not None for each in meanings) == 1, (
        f"{op.name}: exactly one of text, formula, index form, shape rule"
    )
    assert op.shape is None or op.numpy is not None
    assert op.name in signature(op)
    assert op.why in document(op)
    for text in (op.why, *op.pitfalls):
        assert "{" not in text, f"{op.name}: only words have fields"


@every_declaration
def test_notation_is_balanced(op: Op) -> None:
    notation = op.notation
    assert notation.style
    assert notation.sign
    assert notation.latex
    assert is_balanced(notation.latex), f"{op.name}: {notation.latex}"
    if op.examples:
        assert op.sign_on(case_of(op, 0)[1])


@every_op
def test_its_derivation_is_balanced_latex(op: Op) -> None:
    leaves, node = case_of(op, 0)
    if not is_smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    derivation = explain(projected(node, generator_of(op, 0)), wrt=floats_of(leaves))
    for latex in (derivation.latex(), derivation.latex(standalone=False)):
        assert is_balanced(latex)
        open_environments = []
        for side, name in re.findall(r"\\(begin|end)\{([^{}]*)\}", latex):
            if side == "begin":
                open_environments.append(name)
            else:
                assert open_environments.pop() == name
        assert not open_environments
        assert r"\partial" in latex


@every_op
def test_drawable(op: Op) -> None:
    leaves, node = case_of(op, 0)
    picture = ng.draw(node, view="forward")
    svg = ElementTree.fromstring(picture.svg())
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert width > 0
    assert height > 0
    assert len(picture.boxes) >= 1 + len({*leaves})
    if is_smooth(node, leaves) and op.name not in CUT_ON_PURPOSE:
        both = ng.draw(projected(node, generator_of(op, 0)), view="mirror", wrt=floats_of(leaves))
        assert len(both.boxes) > len(picture.boxes)
