"""Train on handwritten digits: whole epochs in compiled code, with a progress bar (needs scikit-learn)"""

import sys

import nngraph as ng
import numpy as np
from rich.console import Console
from rich.progress import Progress
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images, learn, test = (images / 16).astype("float32"), slice(0, 1500), slice(1500, None)
rng = np.random.default_rng(0)
x = ng.input("x", shape=(ng.Size("N", 200), 64), dtype="float32")  # a named size: the last batch may be smaller
t = ng.input("t", shape=(x.shape[0],), dtype="int64")
sizes = [64, 30, 30, 10]
layers = [(ng.parameter(f"W{k}", rng.normal(0, (2 / a) ** 0.5, (a, b)).astype("float32")),
           ng.parameter(f"b{k}", np.zeros(b, "float32"))) for k, (a, b) in enumerate(zip(sizes, sizes[1:]))]
h = x
for k, (W, b) in enumerate(layers):
    h = (ng.relu(h) if k else h) @ W + b
loss = ng.softmax_loss(h, t)
parameters = [p for layer in layers for p in layer]
updates = {}
for p, slope in zip(parameters, ng.gradient(loss, parameters)):
    m = ng.state(f"m_{p.name}", np.zeros(p.shape, "float32"))
    updates[m] = 0.9 * m + slope
    updates[p] = p - 0.1 * updates[m]

step = ng.compile(loss, inputs=[x, t], updates=updates)
with Progress(console=Console(file=sys.stderr)) as bar:
    task = bar.add_task("epochs", total=60)
    for record in step.epochs((images[learn], labels[learn]), batch=200, epochs=60, shuffle=1):
        bar.update(task, completed=record.epoch + record.step / record.steps, description=f"{record.outputs[0][-1]:.4f}")

scores = ng.compile(h, inputs=[x])(images[test])
print(f"right: {np.mean(scores.argmax(1) == labels[test]):.0%} of {len(scores)}")

# right: 9...% of 297
