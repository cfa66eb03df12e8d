"""Data to learn from: small sets of scikit-learn, generated shapes and sequences, tables and images from files."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES: dict[str, str] = {
    **dict.fromkeys(("Dataset", "standardized"), "dataset"),
    **dict.fromkeys(("breast_cancer", "diabetes", "digits", "iris", "wine"), "scikit"),
    **dict.fromkeys(("blobs", "circles", "exclusive_or", "gaussian_ring", "moons", "spirals"), "shapes"),
    **dict.fromkeys(("Text", "adding_problem", "echo", "padded", "reversal", "sine"), "sequences"),
    **dict.fromkeys(("chinese_number", "opinions"), "texts"),
    **dict.fromkeys(("Column", "Table", "read_table"), "table"),
    **dict.fromkeys(("Encoding", "load_table"), "encoding"),
    **dict.fromkeys(("churn", "golf", "houses"), "examples"),
    **dict.fromkeys(("image_folder", "mnist", "nudged", "read_idx"), "images"),
    **dict.fromkeys(("Ratings", "movie_ratings"), "ratings"),
    **dict.fromkeys(("x_and_o",), "letters"),
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"nngraph.nets.data has no {name!r}; there are {', '.join(__all__)}")
    found = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
