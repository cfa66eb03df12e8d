"""Not computed yet is a dash, never a zero

A graph is a formula before it is a number. An input without a value has no value to pass on, and a gradient that needs it
is unknown as well. Many programs print 0 in these places; but "the gradient is 0" means "this weight does not matter",
and "nobody knows yet" is something else. Here what is unknown is drawn as a dash, and asking for it names what is missing.

Look closely at the first picture: the gradient of x is already known. It is w, and w has a value.
As soon as x has a value, everything can be computed, and the second picture has no dashes left.
"""

from pathlib import Path

import nngraph as ng
from nngraph.autograd.errors import MissingValue
from nngraph.autograd.language import translate as _

w, b = ng.parameter("w", 2.0), ng.parameter("b", 1.0)
x = ng.input("x")
y = w * x + b

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    ng.draw(y, view="values", wrt=[w, x, b], title=_("x has no value yet")).save(pictures / "02_dashes.svg")
    try:
        print(y.value)
    except MissingValue as missing:
        print(_("asked for y:"), missing)

    (dw, dx) = ng.gradient(y, [w, x])
    print(_("known without x:"), f"∂y/∂x = {dx.value:g}")

    x.value = 3.0
    print(_("now:"), f"x = {x.value:g}, y = {y.value:g}, ∂y/∂w = {dw.value:g}")
    ng.draw(y, view="values", wrt=[w, x, b], title="x = 3").save(pictures / "02_numbers.svg")

    # The graph is like a spreadsheet: change a leaf, and what depends on it follows when it is asked for.
    x.value = -1.0
    print(_("now:"), f"x = {x.value:g}, y = {y.value:g}, ∂y/∂w = {dw.value:g}")
