"""What there is to learn with, by family: the public names of nets, each with the first sentence of its own docstring."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..autograd.errors import ParameterError
from ..autograd.language import N_

FOLDER = Path(__file__).parent
# Family -> the modules whose public names belong to it, in the order of the course.
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("Neurons"), ("activations", "neurons", "estimators.single_layer")),
    (N_("Feed-forward networks"), ("feed_forward", "estimators.feed_forward", "numerical")),
    (N_("Convolution"), ("convolution", "pooling", "image_models", "receptive_field", "kernels")),
    (N_("Recurrent networks"), ("recurrent", "sequence_models")),
    (N_("Energy"), ("hopfield", "boltzmann", "deep_belief", "estimators.energy")),
    (N_("Autoencoders"), ("autoencoders", "estimators.autoencoders")),
    (N_("Adversarial networks"), ("adversarial", "image_to_image")),
    (N_("Attention"), ("attention", "transformer")),
    (N_("Graphs"), ("graph_convolution",)),
    (N_("Layers"), ("linear", "dropout", "norms", "sequential", "module")),
    (N_("Starting values"), ("initialize",)),
    (N_("Optimizers"), ("optimizers", "quasi_newton", "schedules", "classic_surfaces")),
    (N_("Data"), ("data",)),
)
TOOLS = frozenset({"mode", "trainer", "checkpoint", "rows", "measures", "systems", "progress"})
"""Modules about training, not about what is trained."""
PARTS = frozenset(
    {"new_parameter", "new_state", "generator", "seed", "Activation", "Iteration", "LBFGSTrainer", "Memory", "Surface", "surfaces", "PerceptronStep", "PerceptronBound", "Comparison", "ReceptiveField", "ImageKernel",
     "Column", "Table", "Encoding", "Ratings", "Dataset", "standardized", "read_idx", "read_table"}
)  # fmt: skip
"""Names that a family needs, and that are no system of their own."""
MORE = N_("More")


@dataclass(frozen=True)
class System:
    """A system: its name in nets, its family, what it is in a sentence, and the module that has it."""

    name: str
    family: str
    what: str
    place: str

    @property
    def path(self) -> str:
        """The file, from the folder of the package: nets/boltzmann.py."""
        return f"nets/{self.place.replace('.', '/')}.py"


def systems() -> list[System]:
    """All systems, by family. Nothing is imported for it: sentences are read from the source."""
    from . import _PLACES, data

    places = {**_PLACES, **{f"data.{name}": f"data.{place}" for name, place in data._PLACES.items()}}
    found = [
        System(name, _family(place), _sentence(place, name.rpartition(".")[2]), place)
        for name, place in places.items()
        if place not in TOOLS and name.rpartition(".")[2] not in PARTS
    ]
    rank = {family: at for at, (family, _) in enumerate(FAMILIES)}
    return sorted(found, key=lambda system: rank.get(system.family, len(rank)))


def system(name: str) -> System:
    """The system of a name, however it is capitalized; ParameterError with the nearest where there is none.

    >>> system("rbm").family, system("RBM").path
    ('Energy', 'nets/boltzmann.py')
    """
    known = {each.name.lower(): each for each in systems()}
    wanted = name.lower().removeprefix("nets.")
    if wanted not in known:
        from difflib import get_close_matches

        near = get_close_matches(wanted, known, 3)
        hint = f"; did you mean {', '.join(known[each].name for each in near)}?" if near else ""
        raise ParameterError(f"nets has no system {name!r}{hint}")
    return known[wanted]


def docstring(system: System) -> str:
    """All that is said of a system where it is defined."""
    return _docstrings(system.place).get(system.name.rpartition(".")[2], "")


def _family(place: str) -> str:
    for family, modules in FAMILIES:
        if any(place == module or place.startswith(module + ".") for module in modules):
            return family
    return MORE


def _sentence(place: str, name: str) -> str:
    """The first sentence: to a full stop that is followed by a capital letter or nothing, or to the end of a paragraph."""
    paragraph = _docstrings(place).get(name, "").partition("\n\n")[0]
    text = " ".join(paragraph.split())
    text = re.split(r"[:,] (?=\((?:N|…|n|rows|units), ?)|: (?=\((?:N|…)\))", text)[0]  # shapes are for those who read on
    found = re.match(r"(.+?[.:])(?= [A-Z`]|$)", text)
    return (found[1] if found else text).rstrip(".:")


@cache
def _docstrings(place: str) -> dict[str, str]:
    path = FOLDER / (place.replace(".", "/") + ".py")
    if not path.exists():
        return {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
