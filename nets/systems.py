"""What there is to learn with, by family: the public names of nets, each with the first sentence of its own docstring, the
activations and losses among the ops, with theirs, and what is measured with scikit-learn."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from ..autograd.errors import ParameterError
from ..autograd.language import LANGUAGES, N_, translate
from .signatures import FOLDER, call_of, parsed

# Family -> the modules whose public names belong to it, in the order of the course.
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("Neurons"), ("activations", "neurons", "estimators.single_layer", "estimators.regression")),
    (N_("Feed-forward networks"), ("feed_forward", "estimators.feed_forward", "numerical")),
    (N_("Convolution"), ("convolution", "pooling", "image_models", "receptive_field", "kernels")),
    (N_("Recurrent networks"), ("recurrent", "sequence_models")),
    (N_("Energy"), ("hopfield", "boltzmann", "deep_belief", "estimators.energy")),
    (N_("Autoencoders"), ("autoencoders", "estimators.autoencoders")),
    (N_("Adversarial networks"), ("adversarial", "image_to_image")),
    (N_("Attention"), ("attention", "transformer")),
    (N_("Graphs"), ("graph_convolution",)),
    (N_("Layers"), ("linear", "dropout", "norms", "sequential")),
    (N_("Starting values"), ("initialize",)),
    (N_("Activations"), ("ops.activation",)),
    (N_("Losses"), ("ops.loss",)),
    (N_("Optimizers"), ("optimizers", "quasi_newton", "schedules", "classic_surfaces")),
    (N_("Training"), ("module", "trainer", "checkpoint", "progress", "mode", "estimators.base")),
    (N_("Data"), ("data",)),
    (N_("Evaluation"), ("measures", "scikit-learn")),
)
FROM_SCIKIT_LEARN: tuple[tuple[str, str], ...] = (
    ("sklearn.metrics.accuracy_score", N_("The share of right answers")),
    ("sklearn.metrics.confusion_matrix", N_("How often each class was taken for each")),
    ("sklearn.metrics.roc_curve", N_("What share of one class is caught at the price of which share of false alarms")),
    ("sklearn.metrics.roc_auc_score", N_("The area under that curve: how often the one of two that is meant scores higher")),
    ("sklearn.model_selection.KFold", N_("Rows in k parts, each of which is asked once and learned from in the other turns")),
    ("sklearn.model_selection.cross_val_score", N_("A score for each of k such turns")),
    ("sklearn.model_selection.GridSearchCV", N_("The best of all combinations of settings")),
    ("sklearn.model_selection.RandomizedSearchCV", N_("The best of some combinations of settings, drawn at random")),
)
"""What is not ours to write again: estimators of nets work with all of these."""
BESIDE = (("progress", "progress"), ("estimators.base", "NetEstimator"))
"""What is in no table of names, because a module or a network is called the same, or because it is not made by itself."""
PARTS = frozenset(
    {"new_parameter", "new_state", "generator", "seed", "Training", "current_training", "DataError", "AdversarialRecord", "Turn", "Activation", "Iteration", "LBFGSTrainer", "Memory", "Surface", "surfaces", "PerceptronStep", "PerceptronBound", "Comparison", "ReceptiveField", "ImageKernel",
     "Column", "Table", "Encoding", "Ratings", "Dataset", "standardized", "read_idx", "read_table"}
)  # fmt: skip
"""Names that a family needs, and that are no system of their own."""
MORE = N_("More")


@dataclass(frozen=True)
class System:
    """A system: its name in nets (of an op in ng, of a tool in scikit-learn), its family, what it is in a sentence, whose
    `fields` are to be filled, and the module that has it."""

    name: str
    family: str
    what: str
    place: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file, from the folder of the package: nets/boltzmann.py. The name itself where it is none of ours."""
        if self.place == "scikit-learn":
            return self.name
        folder = "autograd" if self.place.startswith("ops.") else "nets"
        return f"{folder}/{self.place.replace('.', '/')}.py"

    @property
    def full_name(self) -> str:
        """As it is written in a program: nets.RBM, ng.relu, sklearn.metrics.roc_curve."""
        prefix = {"scikit-learn": ""}.get(self.place, "ng." if self.place.startswith("ops.") else "nets.")
        return prefix + self.name


def systems() -> list[System]:
    """All systems, by family. No network is imported for it: sentences are read from the source."""
    from . import _PLACES, data

    places = {**_PLACES, **{f"data.{name}": f"data.{place}" for name, place in data._PLACES.items()}, **dict(_other_estimators(_PLACES))}
    places |= {f"{place}.{name}": place for place, name in BESIDE}
    found = [
        System(name, _family(place), _sentence(place, name.rpartition(".")[2]), place)
        for name, place in places.items()
        if name.rpartition(".")[2] not in PARTS
    ]
    found += [*_ops(), *(System(name, _family("scikit-learn"), what, "scikit-learn") for name, what in FROM_SCIKIT_LEARN)]
    rank = {family: at for at, (family, _) in enumerate(FAMILIES)}
    return sorted(found, key=lambda system: rank.get(system.family, len(rank)))


def system(name: str) -> System:
    """The system of a name, however it is capitalized; ParameterError with the nearest where there is none.

    >>> system("rbm").family, system("RBM").path, system("estimators.autoencoder").full_name
    ('Energy', 'nets/boltzmann.py', 'nets.estimators.Autoencoder')
    """
    listed = systems()
    known = {each.name.lower().rpartition("sklearn.")[2]: each for each in reversed(listed)}
    for each in listed:  # by the last part alone where nothing else has that name
        known.setdefault(each.name.lower().rpartition(".")[2], each)
    wanted = re.sub(r"^(nets|ng|sklearn)\.", "", name.lower())
    if wanted not in known:
        from difflib import get_close_matches

        near = [translate(N_("did you mean {name}?"), name=", ".join(known[each].name for each in found))] if (found := get_close_matches(wanted, known, 3)) else []
        raise ParameterError("; ".join([translate(N_("nets has no system {name}"), name=repr(name)), *near]))
    return known[wanted]


def about(words: str) -> list[System]:
    """The systems of the families whose names have these words, in any language; else those whose sentences have them.

    >>> [each.name for each in about("energy")] == [each.name for each in about("能量")]
    True
    """
    wanted = words.casefold().strip()
    if len(wanted) < 2:
        return []
    said = {family: {translate(family, language).casefold() for language in LANGUAGES} for family, _ in FAMILIES}
    families = {family for family, names in said.items() if any(wanted in name for name in names)}
    listed = systems()
    return [each for each in listed if each.family in families] or [
        each for each in listed if any(wanted in translate(each.what, language, **each.fields).casefold() for language in LANGUAGES)
    ]


def call(system: System) -> str:
    """How it is called: nets.RBM(visible, hidden, …); the name alone for what is not called, or not ours."""
    if system.place.startswith("ops."):
        from ..autograd.op import OPS, signature

        return "ng." + signature(OPS[system.name])
    return system.full_name + ("" if system.place == "scikit-learn" else call_of(system.place, system.name.rpartition(".")[2]))


def docstring(system: System) -> str:
    """All that is said of a system where it is defined."""
    if system.place == "scikit-learn" or system.place.startswith("ops."):
        return translate(system.what, None, **system.fields)
    return _docstrings(system.place).get(system.name.rpartition(".")[2], "")


def _ops() -> Iterator[System]:
    from ..autograd import ops
    from ..autograd.op import ACTIVATION, LOSS, OPS

    for op in OPS.values():
        if op.kind in (ACTIVATION, LOSS) and op.name in ops.__all__:
            place = f"ops.{op.kind}"
            yield System(op.name, _family(place), op.words, place, {name: name for name in (*op.inputs, *op.params)})


def _other_estimators(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The estimators whose names networks have: their modules are read, as importing them needs scikit-learn."""
    for path in sorted((FOLDER / "estimators").glob("[a-z]*.py")):
        place, tree = f"estimators.{path.stem}", parsed(f"estimators.{path.stem}")
        for node in tree.body if tree and path.stem != "base" else ():
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and names.get(node.name) != place:
                yield f"estimators.{node.name}", place


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
    tree = parsed(place)
    if tree is None:
        return {}
    said = {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node, text in pairwise(tree.body):
        # A string behind a constant is its description.
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and isinstance(text.value.value, str):
                    said[target.id] = text.value.value
    return said
