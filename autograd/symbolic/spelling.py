"""Names as mathematics spells them: w5 is w with the subscript 5, theta is θ, layer1/W is the W of layer1."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "upsilon": "υ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}  # fmt: skip
GREEK_WORDS = {letter: word for word, letter in GREEK.items()}

SUPERSCRIPTS = str.maketrans("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")
SUBSCRIPT_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot", "\u0308": "ddot", "\u20d7": "vec"}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name in parts: the path it lies under, the letter or word itself, an accent on it, what stands below,
    primes."""

    path: str
    stem: str
    accent: str = ""
    below: str = ""
    primes: int = 0


def spelling(name: str) -> Spelling:
    """The parts of a name.

    >>> spelling("w5")
    Spelling(path='', stem='w', accent='', below='5', primes=0)
    >>> spelling("mlp/layer1/W")
    Spelling(path='mlp/layer1', stem='W', accent='', below='', primes=0)
    >>> spelling("W_ih").below, spelling("ŷ2").accent, spelling("f''").primes
    ('ih', 'hat', 2)
    """
    path, _, own = name.rpartition("/")
    bare = own.rstrip("'′’")
    primes = len(own) - len(bare)
    stem, _, below = bare.partition("_")
    if not stem or (below and not below.replace("_", "").isalnum()):
        stem, below = bare, ""
    if not below:
        found = re.fullmatch(r"(.*?\D)([0-9₀-₉]+)", stem)
        if found:
            stem, below = found[1], found[2].translate(SUBSCRIPT_DIGITS)
    elif found := re.fullmatch(r"(.*?\D)([0-9₀-₉]+)", stem):
        stem, below = found[1], found[2].translate(SUBSCRIPT_DIGITS) + "," + below
    accent = ""
    apart = unicodedata.normalize("NFD", stem)
    if len(apart) == 2 and apart[1] in ACCENTS:
        stem, accent = apart[0], ACCENTS[apart[1]]
    return Spelling(path, stem, accent, below.replace("_", ","), primes)


def is_full_width(text: str) -> bool:
    """Whether a text has characters that only a Chinese, Japanese or Korean font can show."""
    return any(unicodedata.east_asian_width(character) in "WF" for character in text)


def entry_name(name: str, rank: int) -> str:
    """What an entry of an array is called: a matrix X has the entries x.

    >>> entry_name("X", 2), entry_name("W1", 2), entry_name("b", 1), entry_name("layer1/W", 2), entry_name("logits", 2)
    ('x', 'w1', 'b', 'layer1/w', 'logits')
    """
    path, slash, own = name.rpartition("/")
    stem = spelling(own).stem
    if rank >= 1 and len(stem) == 1 and stem.isascii() and own.startswith(stem):
        own = stem.lower() + own[1:]
    return path + slash + own
