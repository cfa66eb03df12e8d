"""Fixtures for pictures: hand-made drawings, and numbers that say how readable a layout is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """The module of this folder with this name (tests are imported by path, so they cannot import each other)."""
    full = f"viz_tests_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
    return sys.modules[full]


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    return beside("samples")


@pytest.fixture(scope="session")
def measures() -> ModuleType:
    return beside("measures")


@pytest.fixture(scope="session")
def cut_cjk_font() -> ModuleType:
    return beside("cut_cjk_font")
