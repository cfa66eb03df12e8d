"""The slope of x² at 3, and its tangent

Walk a little to the right, h = 1e-4, and see how much higher you are: (f(3 + h) − f(3)) / h = 6.0001. That is close to the
slope, and wrong by exactly h. Look to both sides instead: (f(3 + h) − f(3 − h)) / 2h = 6.0000. The errors cancel.
The derivative needs no step at all: f′(x) = 2x, which is 6 at x = 3.

The tangent touches the curve there and has this slope: t ↦ f(3) + 6·(t − 3) = 6t − 9.
"""

from pathlib import Path

import nngraph as ng

x = ng.input("x", 3.0)
f = ng.square(x)
(slope,) = ng.gradient(f, [x])  # again a graph: 2·x


def height(t):
    """The value of f at t."""
    x.value = t
    return float(f.value)


def tangent(t):
    """The straight line through (3, f(3)) with the slope there, 6t − 9."""
    return height(3.0) + slope.value * (t - 3)


def picture():
    """The curve and its tangent as SVG: 60 pixels for a unit of t, 20 for a unit of height."""
    curve = " ".join(f"{60 + 60 * t / 20:.1f},{340 - 20 * height(t / 20):.1f}" for t in range(81))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 380" width="400" height="380"
 font-family="DejaVu Sans, sans-serif" font-size="14" fill="none" stroke-width="2">
<rect width="400" height="380" fill="#ffffff"/>
<path d="M40 340 H340 M60 360 V10" stroke="#5c6773"/>
<path d="M240 340 V160 H60" stroke="#9aa5b1" stroke-dasharray="4 4" stroke-width="1.5"/>
<polyline points="{curve}" stroke="#2b6cb0" stroke-width="3"/>
<path d="M132 {340 - 20 * tangent(1.2):.1f} L312 {340 - 20 * tangent(4.2):.1f}" stroke="#b3261e"/>
<circle cx="240" cy="160" r="5" fill="#1a1a1a"/>
<g fill="#1a1a1a"><text x="236" y="358">3</text><text x="42" y="165">9</text><text x="330" y="358">t</text></g>
<text x="312" y="42" fill="#2b6cb0">t²</text><text x="182" y="304" fill="#b3261e">6t − 9</text>
</svg>
"""


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    h = 1e-4
    forward = (height(3 + h) - height(3)) / h
    central = (height(3 + h) - height(3 - h)) / (2 * h)
    height(3.0)  # back to where the slope is asked for
    print(f"forward difference  {forward:.4f}\ncentral difference  {central:.4f}\nderivative          {slope.value:g}")
    print(f"tangent             {slope.value:g}t − {-tangent(0):g}\n")
    derivation = ng.explain(f, wrt=[x])
    print(derivation)
    (pictures / "04_tangent.svg").write_text(picture(), encoding="utf-8")
