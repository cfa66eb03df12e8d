"""Pictures: a graph becomes a Drawing (views), gets coordinates (layout) and is written as SVG, PNG, PDF, HTML, TikZ,
DOT, JSON or text."""

from __future__ import annotations

from .drawing import Arrow, Box, Drawing, DrawingError, Group, Step
from .picture import VIEWS, draw

__all__ = ["VIEWS", "Arrow", "Box", "Drawing", "DrawingError", "Group", "Step", "draw"]
