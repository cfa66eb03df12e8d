"""Draw it: one graph, six views, several formats"""

from pathlib import Path

import nngraph as ng

x = ng.input("x", [1.0, 0.5])
W = ng.parameter("W", [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
b = ng.parameter("b", [0.1, 0.2, 0.3])
h = ng.sigmoid(x @ W + b)
y = ng.sum(h)

folder = Path("out")
folder.mkdir(exist_ok=True)
for view in ("forward", "backward", "both", "mirror", "values", "neurons"):
    print(ng.draw(y, view=view).save(folder / f"{view}.svg").name)

# The suffix decides the format; a theme and a title are a matter of taste.
mirror = ng.draw(y, view="mirror", theme="dark", title="One layer")
for suffix in ("png", "html", "json"):
    print(mirror.save(folder / f"layer.{suffix}").name)

# forward.svg
# backward.svg
# both.svg
# mirror.svg
# values.svg
# neurons.svg
# layer.png
# layer.html
# layer.json
