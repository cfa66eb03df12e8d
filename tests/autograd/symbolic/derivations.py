"""Derivations made by hand, so that the printers are tested apart from the part that derives."""

from __future__ import annotations

from dataclasses import replace

import nngraph.autograd.ops  # noqa: F401  (fills the table of ops)
import numpy as np
from nngraph.autograd.op import OPS
from nngraph.autograd.sizes import Size
from nngraph.autograd.symbolic.derivation import (
    BACKWARD,
    FORWARD,
    INSIDE,
    RESULT,
    Check,
    Derivation,
    Form,
    Gradient,
    Notation,
    Sentence,
    Step,
)  # fmt: skip
from nngraph.autograd.symbolic.terms import (
    Apply,
    AxisSum,
    Delta,
    Element,
    EntryPartial,
    IndexSum,
    Number,
    Partial,
    Prime,
    Product,
    Symbol,
    Tensor,
    Term,
)  # fmt: skip

CHECKED = Check(True, 3e-17, 21)


def applied(name: str, *args: Term, **params: object) -> Apply:
    """An op applied to terms."""
    return Apply(OPS[name], args, params)


def line(
    id: str, section: str, number: int, before: Term, *forms: Form | Term, value: object = None, **more: object
) -> Step:
    """A step; plain terms are forms without notes."""
    array = None if value is None else np.asarray(value, dtype=float)
    node = before.name if isinstance(before, Symbol) else "w"
    said: dict = {"rule": None, "why": (), "shape": () if array is None else array.shape, "check": CHECKED} | more
    return Step(
        id,
        section,
        number,
        node,
        before,
        tuple(form if isinstance(form, Form) else Form(form) for form in forms),
        value=array,
        **said,
    )


def scalar(derivative: str = "partial", detail: str = "normal") -> Derivation:
    """E = (σ(w·x + b) − z)² by w, at w=2, x=−1, b=0.5, z=1."""
    w, x, b, z, a, y, d, E = (Symbol(name) for name in ("w", "x", "b", "z", "a1", "y", "d", "E"))
    value_a, value_y = -1.5, 1 / (1 + np.exp(1.5))
    value_d = value_y - 1
    slope = value_y * (1 - value_y)
    by = {name: Partial("E", (name,)) for name in ("d", "y", "a1", "w")}
    prime = Prime(OPS["sigmoid"], a)
    whole = applied("square", applied("sub", applied("sigmoid", applied("add", Product((w, x)), b)), z))
    slope_of_y = Product((y, applied("sub", Number(1.0), y)))
    product_rule = Sentence("product: the other factor")
    steps = (
        line("f1", FORWARD, 1, a, applied("add", Product((w, x)), b),
             Form(applied("add", Product((Number(2.0), Number(-1.0))), Number(0.5)), numbers=True), value=value_a,
             why=(Sentence(OPS["add"].words, {"a": w, "b": b}),)),
        line("f2", FORWARD, 2, y, applied("sigmoid", a), value=value_y),
        line("f3", FORWARD, 3, d, applied("sub", y, z), Form(applied("sub", Number(value_y), Number(1.0)), numbers=True), value=value_d),
        line("f4", FORWARD, 4, E, applied("square", d), value=value_d**2),
        line("b4.d", BACKWARD, 4, by["d"], Product((Number(2.0), d)), Form(Product((Number(2.0), Number(value_d))), numbers=True),
             value=2 * value_d, rule=Sentence("power rule")),
        line("b3.y", BACKWARD, 3, by["y"], Product((by["d"], Number(1.0))), value=2 * value_d, rule=Sentence("difference")),
        line("b2.a1", BACKWARD, 2, by["a1"], Product((by["y"], slope_of_y)),
             Form(Product((Number(2 * value_d), Number(slope))), numbers=True), value=2 * value_d * slope,
             rule=Sentence("{prime} = {local}", {"prime": prime, "local": slope_of_y})),
        line("b1.w", BACKWARD, 1, by["w"], Product((by["a1"], x)), Form(Product((Number(2 * value_d * slope), Number(-1.0))), numbers=True),
             value=-2 * value_d * slope, rule=product_rule, check=Check(None, reason=Sentence("no finite point was found near {x}", {"x": x})),
             why=(Sentence(OPS["mul"].why),)),
        line("r.w", RESULT, 0, by["w"],
             Form(Product((by["d"], Partial("d", ("y",)), Partial("y", ("a1",)), Partial("a1", ("w",)))), Sentence("chain rule")),
             Form(Product((Number(2.0), d, Number(1.0), prime, x)), Sentence("local derivatives")),
             Form(Product((Number(2.0), applied("sub", y, z), y, applied("sub", Number(1.0), y), x)),
                  Sentence("{prime} = {local}", {"prime": prime, "local": slope_of_y})),
             Form(Product((Number(2.0), Number(value_d), Number(1.0), Number(slope), Number(-1.0))), Sentence("numbers"), numbers=True),
             value=-2 * value_d * slope, rule=Sentence("chain rule"), why=(Sentence("the path {path}", {"path": "E ← d ← y ← a1 ← w"}),),
             check=Check(True, 4e-17, 21, 7e-12)),
    )  # fmt: skip
    formula = steps[-1].forms[2].term
    givens = {"w": 2.0, "x": -1.0, "b": 0.5, "z": 1.0}
    return Derivation(
        whole, "E", np.asarray(value_d**2), {name: np.asarray(value) for name, value in givens.items()},
        {name: () for name in (*givens, "a1", "y", "d", "E")}, ("b",), 7, steps,
        {"w": Gradient(("w",), np.asarray(-2 * value_d * slope), formula)},
        (Sentence("{name} is used in {count} places; what they send back is added up.", {"name": w, "count": 1}),),
        Notation(derivative), detail,
    )  # fmt: skip


N, D, K = Size("N", 3), Size("D", 2), Size("K", 2)


def matrix(detail: str = "normal") -> Derivation:
    """L = 1/N Σ (X·W − T)² told with matrices: entries, the transpose, cases, shapes under the factors."""
    X, W, T, Z, L = Symbol("X", 2), Symbol("W", 2), Symbol("T", 2), Symbol("Z", 2), Symbol("L")
    values = {
        "X": np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]]),
        "W": np.array([[0.1, -0.2], [0.3, 0.4]]),
        "T": np.eye(3, 2),
    }
    Zv = values["X"] @ values["W"] - values["T"]
    G = 2 * Zv / 3
    dW = values["X"].T @ G
    by_Z, by_W = Partial("L", ("Z",), 2), Partial("L", ("W",), 2)
    z_nk, x_nd, w_dk, t_nk = (
        Element(Z, ("n", "k")),
        Element(X, ("n", "d")),
        Element(W, ("d", "k")),
        Element(T, ("n", "k")),
    )
    turned = applied("transpose", X, axes=(1, 0))
    per_row = applied("div", Number(1.0), Number(3.0, "N"))
    loss = Product((per_row, AxisSum((0, 1), ("n", "k"), applied("square", Z))))
    p_k, p_j = Element(Symbol("p", 1), ("k",)), Element(Symbol("p", 1), ("j",))
    steps = (
        line("f1", FORWARD, 1, Z, applied("sub", Product((X, W), "matrix"), T), value=Zv, shape=(N, K)),
        line("f2", FORWARD, 2, L, loss, value=(Zv**2).sum() / 3),
        line("in2", INSIDE, 2, EntryPartial(p_k, Element(Symbol("z", 1), ("j",))),
             Form(Product((p_k, applied("sub", Number(1.0), p_k))), where=Sentence("if {one} = {other}", {"one": "k", "other": "j"})),
             Form(applied("neg", Product((p_k, p_j))), where=Sentence("if {one} ≠ {other}", {"one": "k", "other": "j"})),
             rule=Sentence("one row at a time")),
        line("b2", BACKWARD, 2, by_Z, Product((applied("div", Number(2.0), Number(3.0, "N")), Z)), value=G, shape=(N, K), rule=Sentence("power rule")),
        line("i1", BACKWARD, 1, Element(by_W, ("d", "k")), IndexSum(("n",), Product((x_nd, Element(by_Z, ("n", "k"))))),
             rule=Sentence("entry by entry"),
             why=(Sentence("{entry} = {definition}", {"entry": z_nk, "definition": applied("sub", IndexSum(("d",), Product((x_nd, w_dk))), t_nk)}),)),
        line("b1", BACKWARD, 1, by_W, Form(Product((turned, by_Z), "matrix"), shapes=((D, N), (N, K))), value=dW, shape=(D, K),
             rule=Sentence("matrix product"),
             why=(Sentence("{reason} The shapes allow no other order.", {"reason": Sentence(
                 "Why {turned}: the sum runs over {letter}, the first axis of both factors. A matrix product sums the last axis of"
                 " the left factor with the first axis of the right one, so {plain} is turned.", {"turned": turned, "plain": X, "letter": "n"})}),)),
        line("r.W", RESULT, 0, by_W, Product((applied("div", Number(2.0), Number(3.0, "N")), Product((turned, Z), "matrix"))), value=dW, shape=(D, K),
             check=Check(True, 8e-17, 4, 1e-13)),
    )  # fmt: skip
    return Derivation(
        loss, "L", np.asarray((Zv**2).sum() / 3), values,
        {"X": (N, D), "W": (D, K), "T": (N, K), "Z": (N, K), "L": ()}, (), 0, steps,
        {"W": Gradient(("W",), dW, steps[-1].after)}, (), Notation(), detail,
    )  # fmt: skip


def failing(derivation: Derivation, id: str) -> Derivation:
    """The same with a line that does not survive its check."""
    steps = tuple(replace(step, check=Check(False, 0.25, 21)) if step.id == id else step for step in derivation.steps)
    return replace(derivation, steps=steps)


__all__ = ["Delta", "Tensor", "applied", "failing", "line", "matrix", "scalar"]
