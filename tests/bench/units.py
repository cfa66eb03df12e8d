"""Times and sizes as text: three digits and the unit that suits them."""

from __future__ import annotations


def seconds(value: float) -> str:
    return _in_units(value, ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def size(value: float) -> str:
    """Of bytes."""
    return _in_units(value, ("MB", 1e6), ("kB", 1e3), ("bytes", 1.0))


def _in_units(value: float, *units: tuple[str, float]) -> str:
    name, unit = next(((name, unit) for name, unit in units if abs(value) >= unit), units[-1])
    return f"{significant(value / unit)} {name}"


def significant(value: float) -> str:
    """Three digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
