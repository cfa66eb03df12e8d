"""Derive by hand: the steps on paper, every line checked in numbers"""

import nngraph as ng

w, x, b, z = ng.parameter("w", 2.0), ng.input("x", -1.0), ng.parameter("b", 0.5), ng.input("z", 1.0)
y = ng.sigmoid(w * x + b)
E = (y - z) ** 2

derivation = ng.explain(E, wrt=[w])
print(derivation)

# The same derivation in Chinese, and as LaTeX for a slide.
print(next(line for line in derivation.text(language="zh-TW").splitlines() if "路徑" in line))
print(derivation.latex(standalone=True).splitlines()[0])

# E = (σ(w·x + b) − z)²   ∂E/∂w
# ...
# ∂E/∂w   the path E ← d ← y ← a ← w
#         = ∂E/∂d · ∂d/∂y · ∂y/∂a · ∂a/∂w       chain rule
#         = 2d · 1 · σ′(a) · x                  local derivatives
#         = 2(y−z) · y(1−y) · x                 σ′(a) = y(1−y)
#         = 2 · (−0.8176) · 1 · 0.1491 · (−1)   numbers
#         = 0.2439               ✓ ...
# ∂E/∂w   沿路徑 E ← d ← y ← a ← w
# % Compile with pdflatex, xelatex or lualatex.
