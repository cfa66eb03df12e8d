"""Hopfield: a memory that falls into place

Units are −1 or 1, every two of them tied by a weight: N·(N − 1)/2 weights, for a picture of 28·28 pixels 784·783/2 = 306936.
Five letters of 10·10 pixels are stored by Hebb's rule, which ties what is alike; then each is shown with 20 of its 100 pixels
flipped, and one unit after the other takes the sign of what it hears. Hopfield 1982.

    wᵢⱼ = Σ xᵢ·xⱼ/N     sᵢ ← sign(Σⱼ wᵢⱼ·sⱼ)     E = −½·s·W·s

What a unit hears is −∂E/∂sᵢ, as the derivation shows on three units. Because no unit is tied to itself, a unit that turns
changes E by −(new − old)·(what it hears), which is never above 0: the energy sinks until nothing turns. All five letters come
back, without a wrong pixel.

A memory gets full: of random patterns, up to 0.138·N can be recalled with few errors, as the last picture shows for N = 300
(Amit, Gutfreund and Sompolinsky 1985). For all of them without any error it is N/(4·ln N), McEliece et al. 1987.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

DRAWN = """
..#######. ####..#### ..#######. ##..##..## ##......##
.######### ####..#### ####..###. ##..##..## ####..####
.###...### ####..#### ##........ ##..##..## .########.
####...... ########## ###....... .#..##..#. ..######..
####...... ########## .#######.. .#.####.#. ...####...
####...... ########## ...######. .########. ...####...
####...... ####..#### .......### .###..###. ...####...
.###...### ####..#### .......### .###..###. ...####...
.######### ###....### ####..###. ..##..##.. ...####...
..#######. ###....### .#######.. ..##..##.. ...####...
"""
letters = np.array([[[1 if mark == "#" else -1 for mark in row] for row in each] for each in zip(*map(str.split, DRAWN.split("\n")[1:-1]))])
letters = letters.reshape(5, 100)
memory = nets.Hopfield(100).store(letters)
s = ng.input("s", [1.0, -1.0, 1.0])
W = ng.constant([[0.0, -0.5, 0.3], [-0.5, 0.0, 0.2], [0.3, 0.2, 0.0]], name="W")
E = -0.5 * (s @ W @ s)

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(E, wrt=[s])
    print(derivation)
    rng = np.random.default_rng(0)
    noisy = np.array([np.where(rng.permutation(100) < 20, -letter, letter) for letter in letters])
    recalled, energies = memory.recall(noisy, np.concatenate([rng.permutation(100) for sweep in range(3)]))
    recalled, energies = recalled.value, np.concatenate([memory.energy(noisy).value[None], energies.value])
    print(_("recalled without a wrong pixel: {right} of 5; largest rise of the energy: {rise}", right=(recalled == letters).all(1).sum(), rise=np.diff(energies, axis=0).max()))  # fmt: skip
    plots.reconstructions(*((each.reshape(5, 10, 10) + 1) / 2 for each in (letters, recalled, noisy))).save("out/51_hopfield_recall.svg")
    plots.lines(dict(zip("CHSWY", energies.T)), np.arange(301), labels=(_("updates"), _("energy"))).save("out/51_hopfield_energy.svg")
    counts, wrong = range(15, 76, 6), []
    for count in counts:
        patterns = rng.choice([-1, 1], (count, 300))
        wrong.append(float((nets.Hopfield(300).store(patterns)(patterns).value != patterns).mean()))
        print(_("{count} patterns: {wrong} of the pixels wrong", count=count, wrong=f"{wrong[-1]:.2%}"))
    plots.lines(wrong, np.array(counts) / 300, labels=(_("patterns for each unit"), _("share of wrong pixels"))).save("out/51_hopfield_capacity.svg")
