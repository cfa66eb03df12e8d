"""nngraph: a graph of mathematics that can be evaluated, differentiated, explained as a derivation, and drawn.

The public names, each looked up in the module that holds it when it is first used, so that importing nngraph stays
quick.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__version__ = "0.1.0"

_PLACES: dict[str, str] = {
    **dict.fromkeys(("input", "parameter", "state", "constant"), "autograd.leaves"),
    **dict.fromkeys(("Node", "scope"), "autograd.node"),
    **dict.fromkeys(("gradient",), "autograd.differentiate"),
    **dict.fromkeys(("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad"), "autograd.derivatives"),
    **dict.fromkeys(("explain",), "autograd.symbolic"),
    **dict.fromkeys(("kernels",), "autograd.kernel_views"),
    **dict.fromkeys(("simplify",), "autograd.simplify"),
    **dict.fromkeys(("Executable", "compile"), "autograd.executable"),
    **dict.fromkeys(("check_gradient", "finite_difference"), "autograd.check"),
    **dict.fromkeys(("check_engines",), "autograd.check_engines"),
    **dict.fromkeys(("check_claim",), "autograd.symbolic.mistakes"),
    **dict.fromkeys(("find_nonfinite",), "autograd.nonfinite"),
    **dict.fromkeys(("draw",), "viz"),
    **dict.fromkeys(("Size",), "autograd.sizes"),
}
_MODULES = ("autograd", "cli", "nets", "viz")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _PLACES:
        found = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    else:
        ops = importlib.import_module(".autograd.ops", __name__)
        if name not in ops.__all__:
            raise AttributeError(f"nngraph has no {name!r}")
        found = getattr(ops, name)
    _teach_nodes_to_show_themselves()
    globals()[name] = found
    return found


def _teach_nodes_to_show_themselves() -> None:
    """Nodes know nothing of pictures; in a notebook they are shown by the layer above, which is joined to them here."""
    node = sys.modules.get(f"{__name__}.autograd.node")
    if node is not None:
        node.abilities.setdefault("picture", _picture)


def _picture(node: Any) -> str:
    return str(importlib.import_module(".viz", __name__).draw(node, view="forward").svg())


def __dir__() -> list[str]:
    """The names for users: what is imported here only to find them is none of theirs."""
    ops = importlib.import_module(".autograd.ops", __name__)
    return sorted({"__doc__", "__version__", *_PLACES, *_MODULES, *ops.__all__})
