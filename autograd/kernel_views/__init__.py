"""One computation seen from five sides: formula, NumPy, a loop of the processor, a CUDA kernel, and how its threads lie over an
array."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from ..naming import names as names_of
from ..node import Leaf, Node
from ..report import Operation
from .threads import Lay

if TYPE_CHECKING:
    from ..executable import Executable

__all__ = ["Kernel", "Kernels", "kernels"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel of a plan for a GPU.

    `operations`: what it computes, all of it in one go. `formulas` and `numpy`: a line each for what that is. `loop`: the same
    as a loop of the processor. `cuda`: the text that every thread runs, casts to 32 bits left out and long sums in a loop;
    `exact`: as it is compiled. `arrays`: where that text is a shorter one, which names arrays as the formula does, those and what they
    are. `arguments`: name -> what it stands for. `shared_out`: how the work is shared out among blocks and
    threads, in sentences. `lay`: its blocks and threads; None where nothing is
    to be shown. `times`: how often it is launched; `combines`: whether it only puts results of blocks together; `why` there is such a kernel. `fallback`: why there is no kernel, so that numpy computes it.
    """

    number: str
    kernel: str
    operations: tuple[Operation, ...]
    results: tuple[str, ...]
    formulas: tuple[str, ...]
    numpy: tuple[str, ...]
    loop: str
    cuda: str
    exact: str
    arguments: tuple[tuple[str, str], ...]
    grid: tuple[int, int, int]
    threads: int
    shared_out: tuple[str, ...]
    lay: Lay | None
    times: int = 1
    combines: bool = False
    why: str = ""
    fallback: str = ""
    arrays: tuple[tuple[str, str], ...] = ()

    def record(self) -> dict[str, Any]:
        """Everything as plain lists, numbers and texts."""
        plain = asdict(self)
        plain["arguments"], plain["arrays"] = dict(self.arguments), dict(self.arrays)
        return plain


@dataclass(frozen=True)
class Kernels:
    """The kernels of a plan for a GPU, each from five sides; print it, `.html()` it, `.save("kernel.html")`, `ng.draw` it.

    It is made without a GPU, and nothing is compiled for it.
    """

    engine: str
    kernels: tuple[Kernel, ...]

    def __repr__(self) -> str:
        return f"<{len(self)} kernel{'s' * (len(self) != 1)}, {self.engine}>"

    def __str__(self) -> str:
        return self.text()

    def __len__(self) -> int:
        return len(self.kernels)

    def __iter__(self) -> Iterator[Kernel]:
        return iter(self.kernels)

    def __getitem__(self, number: int | str) -> Kernel:
        """The kernel of this number, counted from 1."""
        for each in self.kernels:
            if each.number == str(number):
                return each
        known = ", ".join(each.number for each in self.kernels)
        raise ParameterError(f"{self!r} has no kernel {number!r}, counted from 1; there is {known}")

    def of(self, name: str) -> Kernels:
        """Those that compute what is called so: a result, a named node, an op, or all of a scope."""
        found = tuple(each for each in self.kernels if name in _names(each))
        if not found:
            raise ParameterError(f"no kernel computes {name!r}; there is {', '.join(self.names())}")
        return Kernels(self.engine, found)

    def names(self) -> list[str]:
        """All that `of` knows."""
        return list(dict.fromkeys(word for each in self.kernels for word in _names(each)))

    def text(self, width: int = 100, exact: bool = False, language: str | None = None) -> str:
        """All sides as text, in columns where `width` has room for two."""
        from .text import kernels_text

        return kernels_text(self, width, exact, language)

    def html(self, exact: bool = False, language: str | None = None) -> str:
        """A page of its own, which needs nothing from any network."""
        from .page import page

        return page(self, exact, language)

    def json(self) -> str:
        """Everything as JSON text."""
        whole = {"engine": self.engine, "kernels": [each.record() for each in self.kernels]}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    def save(self, path: str | os.PathLike[str], language: str | None = None) -> Path:
        """Write it: .html, .json or .txt."""
        from ..files import write_whole

        target = Path(path)
        made = {".html": lambda: self.html(language=language), ".json": self.json, ".txt": lambda: self.text(language=language)}
        if target.suffix.lower() not in made:
            raise ParameterError(f"cannot save kernels as {target.suffix!r}: the file name must end in one of {' '.join(made)}; ng.draw(kernels).save draws them as a picture")
        write_whole(str(target), (made[target.suffix.lower()]().rstrip("\n") + "\n").encode())
        return target

    def _repr_html_(self) -> str:
        from .page import inside

        return inside(self)


def _names(each: Kernel) -> list[str]:
    said = [each.number, *each.results]
    for operation in each.operations:
        scopes = operation.scope.split("/") if operation.scope else []
        said += [operation.name or "", operation.op, *("/".join(scopes[: at + 1]) for at in range(len(scopes)))]
    return list(dict.fromkeys(filter(None, said)))


def kernels(
    outputs: Node | Sequence[Node] | Executable,
    updates: Mapping[Leaf, Node] | None = None,
    engine: str = "cuda",
    names: Sequence[str | None] = (),
) -> Kernels:
    """What a GPU is given to compute nodes, or a compiled step: every kernel as a formula, as NumPy, as a loop of the
    processor, as CUDA text, and with the lay of its threads over an array. It needs no GPU. `names` are those of the outputs.

    >>> import nngraph as ng
    >>> X, W = ng.input("X", shape=(64, 32), dtype="float32"), ng.input("W", shape=(32, 10), dtype="float32")
    >>> found = ng.kernels(ng.relu(X @ W))
    >>> found, found[1].formulas[0], found[1].lay.examples[1].places[0]
    (<1 kernel, cuda>, 'Z = X·W', (0, 4))
    """
    from .made import made

    if not isinstance(outputs, Node) and hasattr(outputs, "updates"):
        updates, outputs = outputs.updates, outputs.outputs  # type: ignore[union-attr]
    nodes = [outputs] if isinstance(outputs, Node) else list(outputs)  # type: ignore[arg-type]
    if not names:
        known = names_of(nodes)
        names = [known.get(node) for node in nodes]
    return Kernels(engine, tuple(made(nodes, dict(updates or {}), engine, names)))
